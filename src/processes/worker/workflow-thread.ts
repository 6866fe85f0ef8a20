import { runBuilt } from '../built.ts';

// The threads of Temporal's SDK that run workflows start here where the program is built: each of them loads its code anew.
runBuilt('workflow-thread.cjs');
