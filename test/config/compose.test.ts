import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { loadConfig } from '../../src/config/index.ts';

interface Service {
  command?: string[];
  depends_on?: Record<string, { condition: string }>;
  environment?: Record<string, string>;
  healthcheck?: object;
  ports?: string[];
}
const { services } = parse(readFileSync('docker-compose.yml', 'utf8')) as { services: Record<string, Service> };
const file = 'deploy/compose/twinport.yaml';

/** The environment of a service, with what the compose file itself falls back on. */
const envOf = (name: string) =>
  Object.fromEntries(
    Object.entries(services[name]?.environment ?? {}).map(([key, value]) => [key, value.replaceAll(/\$\{\w+:-(\w+)\}/g, '$1')]),
  );

describe('docker-compose.yml', () => {
  it('gives the starter what it resolves', () => {
    const config = loadConfig({ file, env: envOf('starter'), sections: ['temporal', 'ledger', 'control', 'webhook', 'policies'] });
    expect(config).toMatchObject({
      dataDir: '/var/lib/twinport',
      webhook: { secret: 'trialSecret' },
      ledger: { url: 'postgres://twinport:trial@postgres:5432/twinport' },
    });
    expect(services['primary']?.environment?.['REGISTRY_NOTIFICATIONS_ENDPOINTS']).toContain(
      "Authorization: ['${TWINPORT_WEBHOOK_SECRET:-trialSecret}']",
    );
  });

  it('gives the worker of its site no secret, since it resolves none', () => {
    expect(envOf('worker-eu')).toEqual({});
    const site = services['worker-eu']?.command?.at(-1) ?? '';
    const config = loadConfig({ file, env: {}, sections: ['temporal', 'worker', { site }] });
    expect(config.secondaries[0]).toMatchObject({
      name: 'eu',
      endpoint: { url: 'http://secondary-eu:5000' },
      primary: { url: 'http://primary:5000' },
    });
  });

  it('publishes ports on the loopback address alone, and waits for health', () => {
    for (const [name, { ports = [], depends_on = {} }] of Object.entries(services)) {
      for (const port of ports) expect([name, port]).toEqual([name, expect.stringMatching(/^127\.0\.0\.1:/)]);
      for (const [needed, { condition }] of Object.entries(depends_on)) {
        expect([name, needed, condition]).toEqual([name, needed, 'service_healthy']);
        expect(services[needed]?.healthcheck).toBeDefined();
      }
    }
  });
});
