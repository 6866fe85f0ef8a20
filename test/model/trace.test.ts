import { describe, expect, it } from '@jest/globals';
import { aboutOf } from '../../src/model/about.ts';
import { carrierOf, placeOf, readCarrier } from '../../src/model/trace.ts';

const ID = 'ab'.repeat(16);
const SPAN = 'cd'.repeat(8);

describe('the place of a trace', () => {
  it.each([
    ['of a sampled one', `00-${ID}-${SPAN}-01`, true],
    ['of one that is not', `00-${ID}-${SPAN}-00`, false],
    ['of a later version, with more behind it', `01-${ID}-${SPAN}-03-more`, true],
  ])('%s is read', (_name, traceparent, sampled) => {
    expect(placeOf({ traceparent })).toEqual({ traceId: ID, spanId: SPAN, sampled });
  });

  it('is written as it is read', () => {
    const place = { traceId: ID, spanId: SPAN, sampled: true };
    expect(placeOf(carrierOf(place))).toEqual(place);
    expect(carrierOf(place, 'a=b')).toEqual({ traceparent: `00-${ID}-${SPAN}-01`, tracestate: 'a=b' });
  });

  it.each([
    ['nothing', undefined],
    ['no text', { traceparent: [`00-${ID}-${SPAN}-01`] }],
    ['zeros', { traceparent: `00-${'0'.repeat(32)}-${SPAN}-01` }],
    ['a version that is none', { traceparent: `ff-${ID}-${SPAN}-01` }],
    ['capitals', { traceparent: `00-${ID.toUpperCase()}-${SPAN}-01` }],
    ['too much', { traceparent: `00-${ID}-${SPAN}-01more` }],
  ])('is none in %s', (_name, headers) => {
    expect(readCarrier(headers)).toBeUndefined();
  });

  it('takes no state of any length', () => {
    const traceparent = `00-${ID}-${SPAN}-01`;
    expect(readCarrier({ traceparent, tracestate: 'a=b' })).toEqual({ traceparent, tracestate: 'a=b' });
    expect(readCarrier({ traceparent, tracestate: 'a'.repeat(513) })).toEqual({ traceparent });
  });
});

describe('what an input is for', () => {
  it.each([
    [
      { policy: { site: 'eu' }, repository: 'app', tag: 'v1' },
      { site: 'eu', repository: 'app', reference: 'app:v1' },
    ],
    [
      { policy: { site: 'eu' }, repository: 'app', looks: [{ tag: 'v1' }] },
      { site: 'eu', repository: 'app', reference: 'app:v1' },
    ],
    [
      { policy: { site: 'eu' }, repository: 'app', outcomes: [{ tag: 'v1' }, { tag: 'v2' }] },
      { site: 'eu', repository: 'app' },
    ],
    [{ site: 'eu', kind: 'backfill' }, { site: 'eu' }],
    [undefined, {}],
    ['text', {}],
  ])('%j', (input, about) => {
    expect(aboutOf(input)).toEqual(about);
  });
});
