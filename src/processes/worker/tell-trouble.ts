import type { Endpoint } from '../../registry/endpoint.ts';
import type { SessionOptions } from '../../registry/session.ts';
import { hostOf } from '../../registry/transport/target-url.ts';
import { showAway, type Logger } from '../../telemetry/index.ts';

/** Has a worker say, once each time, that a registry is away or back, and that a host's limits make requests wait. */
export function tellTrouble(site: string, endpoint: Endpoint, logger: Logger): Required<Pick<SessionOptions, 'watch' | 'onLimit'>> {
  const { side } = endpoint;
  const registry = { site, side, host: hostOf(endpoint.url) };
  showAway(registry, false);
  return {
    watch: {
      onAway(reason) {
        showAway(registry, true);
        logger.warn({ ...registry, reason }, `the ${side} does not answer; what needs it waits until it does`);
      },
      onBack(awayMs) {
        showAway(registry, false);
        logger.info({ ...registry, awayMs: Math.round(awayMs) }, `the ${side} answers again; what waited for it goes on`);
      },
    },
    onLimit(host, notice) {
      const { kind, ...details } = notice;
      logger.info({ site, side, host, ...details }, LIMITS[kind]);
    },
  };
}

const LIMITS = {
  spread: 'a registry has few requests left for us: they are spread over the time until there are more',
  quiet: 'a registry asks for quiet (Retry-After): requests to it wait',
  throttled: 'a registry is overloaded (429 or 503): fewer requests at a time, slowly more again',
} as const;
