import { Gauge, Registry } from 'prom-client';

/** What `/metrics` serves; each room registers its own metrics here, named `twinport_…`, where it counts them. */
export const metrics = new Registry();

/** A gauge that `/metrics` serves. */
export function gauge<L extends string = never>(name: string, help: string, labelNames: readonly L[] = []): Gauge<L> {
  return new Gauge({ name, help, labelNames, registers: [metrics] });
}

const others: (() => Promise<string>)[] = [];

/** Has `/metrics` serve what somebody else counts in this process, in Prometheus' text format. */
export function addMetrics(text: () => Promise<string>): void {
  others.push(text);
}

/** All that this process counts, in Prometheus' text format. */
export async function allMetrics(): Promise<string> {
  return (await Promise.all([metrics.metrics(), ...others.map((text) => text())])).join('');
}
