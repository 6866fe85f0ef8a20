import { expect, it } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { OWNER_ID } from '../../src/model/names.ts';
import { claimNamespace } from '../../src/processes/temporal/owner.ts';
import { testTemporal } from '../support/temporal.ts';

it('a namespace is one ledger’s, and no worker is needed to hold it', async () => {
  const connection = await Connection.connect({ address: (await testTemporal()).address });
  try {
    const client = new Client({ connection });
    await claimNamespace(client, 'ledger-a');
    await claimNamespace(client, 'ledger-a');
    await expect(claimNamespace(client, 'ledger-b')).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringMatching(/whose ledger is ledger-a, ours is ledger-b/),
    });
    const handle = client.workflow.getHandle(OWNER_ID);
    expect((await handle.describe()).status.name).toBe('RUNNING');
    const { events } = await handle.fetchHistory();
    // Its start, and no task for a worker.
    expect(events).toHaveLength(1);
  } finally {
    await connection.close();
  }
});
