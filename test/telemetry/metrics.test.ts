import { describe, expect, it } from '@jest/globals';
import { countCopies, countRequest, metrics } from '../../src/telemetry/index.ts';

describe('the metrics', () => {
  it('count requests, blobs and bytes', async () => {
    countRequest({ host: 'r:5000', side: 'primary', method: 'GET', status: 200, durationMs: 20 });
    countRequest({ host: 'r:5000', side: 'primary', method: 'GET', durationMs: 20 });
    countCopies('eu', { copied: 2, mounted: 1, skipped: 0, failures: ['x'], bytes: 1234 }, false);
    countCopies('eu', { copied: 1, mounted: 2, skipped: 0, failures: [], bytes: 0 }, true);
    const text = await metrics.metrics();
    expect(text).toContain('twinport_registry_requests_total{host="r:5000",side="primary",method="GET",status="200"} 1');
    expect(text).toContain('status="none"} 1');
    expect(text).toContain('twinport_registry_answer_seconds_bucket{le="0.025",host="r:5000",side="primary"} 2');
    expect(text).toContain('twinport_blobs_total{site="eu",outcome="failed"} 1');
    for (const [outcome, n] of Object.entries({ copied: 2, mounted: 1, healed: 3 }))
      expect(text).toContain(`twinport_blobs_total{site="eu",outcome="${outcome}"} ${n}\n`);
    expect(text).toContain('twinport_copied_bytes_total{site="eu"} 1234');
  });
});
