import { proxyActivities } from '@temporalio/workflow';

const { nothing } = proxyActivities({ startToCloseTimeout: '1 minute', heartbeatTimeout: '10 seconds' });

/** As many activities as a push takes, and nothing in them. */
export async function five(input) {
  for (let done = 0; done < 5; done++) await nothing(input);
}
