import { homedir } from 'node:os';

/** What the program takes from its environment besides the config file's `${NAME}`s; `src/config` alone reads `process.env`. */
export interface Environment {
  /** Where programs are looked for. */
  readonly path: string;
  /** The folder for downloaded binaries (`TWINPORT_CACHE`), if one was named. */
  readonly cache: string | undefined;
  /** The folder of the Docker client's `config.json`. */
  readonly dockerConfig: string;
  /** No colours are wanted (`NO_COLOR`). */
  readonly noColor: boolean;
  /** A continuous integration job: nobody watches progress bars. */
  readonly ci: boolean;
}

/** Reads the environment of this process. */
export function environment(env: NodeJS.ProcessEnv = process.env): Environment {
  return {
    path: env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
    cache: filled(env['TWINPORT_CACHE']),
    dockerConfig: filled(env['DOCKER_CONFIG']) ?? `${filled(env['HOME']) ?? homedir()}/.docker`,
    noColor: filled(env['NO_COLOR']) !== undefined,
    ci: filled(env['CI']) !== undefined && env['CI'] !== 'false',
  };
}

/** The collector that OpenTelemetry's own variable names, in the form of the section `telemetry`. */
export function collectorOf(env: NodeJS.ProcessEnv): { otlp: string } | undefined {
  const otlp = filled(env['OTEL_EXPORTER_OTLP_ENDPOINT']);
  return otlp === undefined ? undefined : { otlp };
}

/** The environment that servers of ours get: where programs lie and what language they speak, and nothing that could configure them. */
export function childEnvironment(env: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const handed: Record<string, string> = { PATH: environment(env).path };
  for (const name of ['HOME', 'TMPDIR', 'LANG', 'LC_ALL', 'TZ']) {
    const value = env[name];
    if (value !== undefined) handed[name] = value;
  }
  return handed;
}

function filled(value: string | undefined): string | undefined {
  return value === undefined || value === '' ? undefined : value;
}
