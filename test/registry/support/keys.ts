import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A private key and its certificate, PEM. */
export interface KeyPair {
  readonly key: string;
  readonly cert: string;
}

export type KeyType = 'rsa' | 'p256' | 'p384';

const NEW_KEY: Readonly<Record<KeyType, readonly string[]>> = {
  rsa: ['-newkey', 'rsa:2048'],
  p256: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'],
  p384: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:secp384r1'],
};

/** Makes a self-signed certificate, or, with `ca`, one that it signed. */
export function makeKeyPair(type: KeyType, options: { name?: string; san?: string; ca?: KeyPair; days?: number } = {}): KeyPair {
  const dir = mkdtempSync(join(tmpdir(), 'twinport-keys-'));
  const file = (name: string): string => join(dir, name);
  const { name = 'twinport-test', san, ca, days = 30 } = options;
  try {
    if (ca) {
      writeFileSync(file('ca.pem'), ca.cert);
      writeFileSync(file('ca.key'), ca.key);
    }
    const args = ['req', '-x509', ...NEW_KEY[type], '-nodes', '-keyout', file('key.pem'), '-out', file('cert.pem'), '-days', String(days)];
    if (san !== undefined) args.push('-addext', `subjectAltName=${san}`);
    if (ca) args.push('-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-addext', 'basicConstraints=critical,CA:FALSE');
    execFileSync('openssl', [...args, '-subj', `/CN=${name}`], { stdio: 'pipe' });
    return { key: readFileSync(file('key.pem'), 'utf8'), cert: readFileSync(file('cert.pem'), 'utf8') };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
