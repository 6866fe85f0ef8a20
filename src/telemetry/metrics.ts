import { Gauge, Registry } from 'prom-client';

/** What `/metrics` serves; each room registers its own metrics here, named `twinport_…`, where it counts them. */
export const metrics = new Registry();

/** A gauge that `/metrics` serves. */
export function gauge<L extends string = never>(name: string, help: string, labelNames: readonly L[] = []): Gauge<L> {
  return new Gauge({ name, help, labelNames, registers: [metrics] });
}
