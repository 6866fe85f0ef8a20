import { condition, setHandler } from '@temporalio/workflow';
import { resume } from './messages.ts';

/** While it runs, the site's workers begin no activity. Signal `resume` ends it, and so does a cancel. */
export async function pauseSite(): Promise<void> {
  let resumed = false;
  setHandler(resume, () => {
    resumed = true;
  });
  await condition(() => resumed);
}
