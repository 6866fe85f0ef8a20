import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../src/processes/embedded/free-port.ts';
import type { EmbeddedRegistry } from '../../src/processes/embedded/registry.ts';
import { traceSinks } from '../../src/processes/temporal/traces.ts';
import { pushImage } from '../support/images.ts';
import { collector, type CollectedSpan, type Collector } from '../support/otlp.ts';
import { testRegistry } from '../support/registries.ts';
import { testTemporal } from '../support/temporal.ts';
import { eventually } from '../support/eventually.ts';
import { keepRunning, startTwinport, workFolder } from '../support/twinport.ts';

const WEBHOOK_SECRET = 'webhook-secret-of-traces';
const TOKEN = 'token-of-traces';
const PASSWORD = 'password-of-traces';
const ACTIVITIES = ['fetchManifests', 'enumerateLayers', 'copyBlobs', 'publishManifests', 'markVerification'];
const RUNS = ACTIVITIES.map((activity) => `RunActivity:${activity}`);

keepRunning();

const newTrace = () => ({ traceId: randomBytes(16).toString('hex'), spanId: randomBytes(8).toString('hex') });

/* A starter and a worker apart, which send their spans to a collector: what one push did is one trace. */
describe('traces of pushes', () => {
  let collected: Collector;
  let primary: EmbeddedRegistry;
  let port: number;
  let address: string;

  beforeAll(async () => {
    const [temporal, first, second, free, traces] = await Promise.all([
      testTemporal(),
      testRegistry({ version: 3 }),
      testRegistry({ version: 3 }),
      freePort(),
      collector(),
    ]);
    [primary, port, address, collected] = [first, free, temporal.address, traces];
    const folder = await workFolder(`
temporal: { address: '${address}' }
control: { url: 'http://127.0.0.1:${port}', token: ${TOKEN} }
webhook: { listen: '127.0.0.1:${port}', secret: ${WEBHOOK_SECRET} }
primary: { url: '${primary.url}' }
secondaries: [{ name: eu, url: '${second.url}', auth: { type: basic, username: twinport, password: ${PASSWORD} } }]
`);
    // As every program with OpenTelemetry is told.
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collected.url, OTEL_BSP_SCHEDULE_DELAY: '200' };
    await startTwinport(['starter'], folder, env).waitFor(/Dashboard: /);
    await startTwinport(['worker', '--site', 'eu'], folder, env).waitFor(/polls/);
    // What Temporal is slow to take goes through the inbox, which knows of no traces; and the first is the slowest.
    const warm = newTrace();
    await deliver('shop/warm', '1.0', (await pushImage(primary.url, 'shop/warm', '1.0')).digest, warm);
    await eventually(
      async () => collected.bytes().toString('latin1'),
      (sent) => sent.includes('sync/eu/shop/warm:1.0'),
      60_000,
      500,
    );
  });

  afterAll(() => collected.close());

  it('lead from the sender’s span by way of the webhook and the workflow to the verification', async () => {
    const sender = newTrace();
    const image = await pushImage(primary.url, 'shop/web', '1.0', { layers: [{ seed: 'traced', size: 10_000 }] });
    await deliver('shop/web', '1.0', image.digest, sender);
    const spans = await spansOf(sender.traceId, 'webhook distribution', 'RunWorkflow:syncImage', ...RUNS);
    const webhook = named(spans, 'webhook distribution');
    const start = named(spans, 'SignalWithStartWorkflow:syncImage');
    const run = named(spans, 'RunWorkflow:syncImage');
    expect([webhook.parentSpanId, start.parentSpanId, run.parentSpanId]).toEqual([sender.spanId, webhook.spanId, start.spanId]);
    for (const activity of ACTIVITIES) expect(named(spans, `RunActivity:${activity}`).parentSpanId).toBe(run.spanId);
    expect(spans).toHaveLength(3 + ACTIVITIES.length);
    for (const { name, attributes } of spans.filter((span) => span !== webhook)) {
      const batch = ['copyBlobs', 'enumerateLayers'].some((activity) => name.endsWith(activity));
      expect({ name, ...attributes }).toMatchObject({
        ...{ 'twinport.site': 'eu', 'twinport.repository': 'shop/web', 'temporal.workflow.id': 'sync/eu/shop/web:1.0' },
        ...(batch ? {} : { 'twinport.reference': 'shop/web:1.0' }),
      });
    }
    expect(webhook.attributes).toMatchObject({ 'http.route': '/events/:source', 'twinport.reference': 'shop/web:1.0' });
    expect(new Set(spans.map(({ service }) => service))).toEqual(new Set(['twinport']));
  });

  it('of a push that joins a running workflow have the round that it caused', async () => {
    const early = newTrace();
    const late = newTrace();
    // The tag is not there yet: its workflow looks again, after 2, 10 and 30 s.
    await deliver('shop/joined', '1.0', `sha256:${'e'.repeat(64)}`, early);
    await spansOf(early.traceId, 'RunActivity:markVerification');
    const image = await pushImage(primary.url, 'shop/joined', '1.0', { layers: [{ seed: 'joined', size: 10_000 }] });
    await deliver('shop/joined', '1.0', image.digest, late);
    const [first, second] = [await spansOf(early.traceId, 'RunWorkflow:syncImage'), await spansOf(late.traceId, ...RUNS)];
    const [begun, joined] = [first, second].map((spans) => named(spans, 'SignalWithStartWorkflow:syncImage'));
    expect(joined?.attributes['temporal.run.id']).toBe(begun?.attributes['temporal.run.id']);
    for (const activity of ACTIVITIES) expect(named(second, `RunActivity:${activity}`).parentSpanId).toBe(joined?.spanId);
    expect(second.filter(({ name }) => name.startsWith('RunWorkflow'))).toEqual([]);
    expect(first.filter(({ name }) => name === 'RunActivity:copyBlobs')).toEqual([]);
  });

  it('are in the history, which replays', async () => {
    const connection = await Connection.connect({ address });
    try {
      const history = await new Client({ connection }).workflow.getHandle('sync/eu/shop/joined:1.0').fetchHistory();
      expect(history.events?.[0]?.workflowExecutionStartedEventAttributes?.header?.fields).toHaveProperty('_tracer-data');
      const codePath = fileURLToPath(new URL('../../dist/workflow-bundle.js', import.meta.url));
      await Worker.runReplayHistory({ workflowBundle: { codePath }, sinks: traceSinks(undefined) }, history, 'sync/eu/shop/joined:1.0');
    } finally {
      await connection.close();
    }
  });

  it('hold no secret', () => {
    const sent = collected.bytes().toString('latin1');
    expect(sent).toContain('sync/eu/shop/web:1.0');
    for (const secret of [WEBHOOK_SECRET, TOKEN, PASSWORD]) expect(sent).not.toContain(secret);
  });

  async function deliver(repository: string, tag: string, digest: string, { traceId, spanId }: ReturnType<typeof newTrace>): Promise<void> {
    const target = { mediaType: 'application/vnd.oci.image.manifest.v1+json', repository, tag, digest };
    const response = await fetch(`http://127.0.0.1:${port}/events/distribution`, {
      method: 'POST',
      headers: { authorization: WEBHOOK_SECRET, traceparent: `00-${traceId}-${spanId}-01` },
      body: JSON.stringify({ events: [{ id: `${repository}:${tag}`, action: 'push', target }] }),
    });
    expect(response.status).toBe(202);
  }

  /** The spans of a trace, once those of these names have come: each process sends its own when it has time. */
  async function spansOf(traceId: string, ...names: readonly string[]): Promise<CollectedSpan[]> {
    return eventually(
      async () => collected.spans.filter((span) => span.traceId === traceId),
      (spans) => ['SignalWithStartWorkflow:syncImage', ...names].every((name) => spans.some((span) => span.name === name)),
      60_000,
    );
  }

  function named(spans: readonly CollectedSpan[], name: string): CollectedSpan {
    const found = spans.filter((span) => span.name === name);
    expect(found.map((span) => span.name)).toEqual([name]);
    return found[0] as CollectedSpan;
  }
});
