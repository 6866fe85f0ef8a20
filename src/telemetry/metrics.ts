import { Registry } from 'prom-client';

/** What `/metrics` serves; each room registers its own metrics here, named `twinport_…`, where it counts them. */
export const metrics = new Registry();
