import type { z } from 'zod';
import { readPem } from './read-pem.ts';
import { hideSecrets } from './hide-secrets.ts';
import type { Resolution } from './resolve.ts';
import type { temporal } from './schema/processes.ts';
import { buildEncryption } from './temporal-encryption.ts';
import type { TemporalConfig, TemporalTls } from './twinport-config.ts';

/** Makes the connection's options of the checked section, in the form that Temporal's SDK takes. */
export function buildTemporal(written: z.output<typeof temporal>, resolution: Resolution): TemporalConfig {
  const { address, namespace, tls, apiKey, webUi, encryption } = written;
  const secured = tls === undefined || tls === true ? tls : buildTls(tls, resolution);
  const config = {
    address,
    namespace,
    ...(secured === undefined ? {} : { tls: secured }),
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(webUi === undefined ? {} : { webUi }),
    ...(encryption ? { encryption: buildEncryption(encryption, resolution) } : {}),
  };
  return hideSecrets(config, ['apiKey']);
}

function buildTls(tls: Exclude<z.output<typeof temporal>['tls'], true | undefined>, resolution: Resolution): TemporalTls {
  const pem = (file: string | undefined, key: 'caFile' | 'certFile' | 'keyFile') => {
    const text =
      file === undefined
        ? undefined
        : readPem(file, ['temporal', 'tls', key], key === 'keyFile' ? 'PRIVATE KEY' : 'CERTIFICATE', resolution);
    return text === undefined ? undefined : Buffer.from(text);
  };
  const [ca, crt, key] = [pem(tls.caFile, 'caFile'), pem(tls.certFile, 'certFile'), pem(tls.keyFile, 'keyFile')];
  if ((tls.certFile === undefined) !== (tls.keyFile === undefined)) {
    resolution.problems.push({ path: ['temporal', 'tls'], want: 'certFile and keyFile are needed together' });
  }
  return hideSecrets(
    {
      ...(tls.serverName === undefined ? {} : { serverNameOverride: tls.serverName }),
      ...(ca === undefined ? {} : { serverRootCACertificate: ca }),
      ...(crt === undefined || key === undefined ? {} : { clientCertPair: { crt, key } }),
    },
    ['clientCertPair'],
  );
}
