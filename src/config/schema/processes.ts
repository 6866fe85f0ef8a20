import { z } from 'zod';
import { parseLedgerUrl } from '../ledger-url.ts';
import { encryption } from './encryption.ts';
import { duration, listenAddress, parsed, section, text } from './fields.ts';

const pem = text('the path of a PEM file').optional();

const webAddress = (want: string) =>
  parsed(
    (value) =>
      typeof value === 'string' && /^https?:\/\/[^\s/]+/.test(value) && URL.canParse(value) ? value.replace(/\/+$/, '') : undefined,
    want,
  );

/** Where Temporal is; absent: the embedded dev server. */
export const temporal = section({
  address: listenAddress,
  namespace: text('the name of a namespace').default('default'),
  tls: z
    .union([z.literal(true), section({ caFile: pem, certFile: pem, keyFile: pem, serverName: text("the server's name").optional() })], {
      error: 'true, or a section with the keys caFile, certFile, keyFile, serverName, is needed',
    })
    .optional(),
  apiKey: text('an API key, as ${NAME} or { file: PATH },').optional(),
  webUi: webAddress('the address of Temporal’s Web UI is needed, such as https://temporal.example.com').optional(),
  encryption: encryption.optional(),
});

/** Where the ledger is; absent: the embedded PostgreSQL. */
export const ledger = section({
  url: parsed(
    (value) => (typeof value === 'string' && parseLedgerUrl(value) ? value : undefined),
    'a PostgreSQL URL is needed, such as postgres://user:${PASSWORD}@host:5432/twinport; in a password % is written %25, / %2F, @ %40, # %23',
  ),
});

/** The API. */
export const control = section({
  url: webAddress('the URL of the starter is needed, such as https://twinport.example.com').optional(),
  token: text('a token, as ${NAME} or { file: PATH },').optional(),
});

/** The worker's own `/metrics`; absent: it listens nowhere. */
export const worker = section({ listen: listenAddress.optional() });

/** Where traces go. */
export const telemetry = section({
  otlp: parsed(
    (value) =>
      typeof value === 'string' && /^https?:\/\/[^\s/@]+(?:\/|$)/.test(value) && URL.canParse(value) ? tracesUrl(value) : undefined,
    'the address of an OTLP collector (HTTP) is needed, such as http://127.0.0.1:4318, without user and password: headers are in OTEL_EXPORTER_OTLP_HEADERS',
  ).optional(),
});

/** @see https://opentelemetry.io/docs/specs/otel/protocol/exporter/#endpoint-urls-for-otlphttp */
function tracesUrl(base: string): string {
  const plain = base.replace(/\/+$/, '');
  return plain.endsWith('/v1/traces') ? plain : `${plain}/v1/traces`;
}

/** How long the ledger keeps what is done. */
export const retention = section({
  inbox: duration(3_600_000).default(7 * 86_400_000),
  audit: duration(86_400_000).default(365 * 86_400_000),
  history: duration(86_400_000).default(90 * 86_400_000),
});

/** The keys at the root of the file; each section is checked only where a process uses it. */
export const ROOT_KEYS = [
  'temporal',
  'ledger',
  'control',
  'dataDir',
  'webhook',
  'worker',
  'telemetry',
  'retention',
  'primary',
  'secondaries',
] as const;
