import fc from 'fast-check';

/** Texts that have broken something somewhere. */
const TEXTS = [
  ...[
    '',
    ' ',
    '\0',
    'a\0b',
    '\ud800',
    '\udfff\ud800',
    '\u202e',
    '\r\nx: y',
    '\n',
    '../..',
    '..%2f..',
    '/etc/passwd',
    '//',
    'a//b',
    '/a',
    'a/',
  ],
  ...['A/B', 'a:b', 'a@b', 'a b', '-', '.', '__proto__', 'constructor', 'toString', 'hasOwnProperty', 'twinport/x', 'twinport-keep-0'],
  ...['<script>alert(1)</script>', '" onload="x', "'; drop table images; --", '${jndi:ldap://x}', '{{7*7}}', '%00', '%', '%zz', '\u0661'],
  ...[
    'sha256:',
    `sha256:${'a'.repeat(64)}`,
    `sha256:${'A'.repeat(64)}`,
    `sha512:${'0'.repeat(128)}`,
    'sha256:../x',
    `md5:${'0'.repeat(32)}`,
  ],
  ...['a'.repeat(300), 'a/'.repeat(200), '9'.repeat(400), '1e999', '-1', '0x10', 'NaN', 'Infinity', 'true', 'null', '[]', '{}'],
  ...[
    'http://169.254.169.254/',
    'https://[::1]/',
    'http://',
    'file:///x',
    'javascript:alert(1)',
    'http://a:b@c/',
    'http://\ud800/',
    '\uFEFF',
  ],
];
const NUMBERS = [0, -0, -1, 1, 0.5, 2 ** 31, 2 ** 53, -(2 ** 53), 1e308, -1e308, 5e-324, Number.MAX_SAFE_INTEGER, 1e21];

export const hostileText: fc.Arbitrary<string> = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...TEXTS) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 2, arbitrary: fc.string({ maxLength: 40 }) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...TEXTS), fc.constantFrom(...TEXTS)).map((two) => two.join('')) },
);

/** A value as JSON may hold it. */
export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 6, arbitrary: hostileText },
  { weight: 2, arbitrary: fc.constantFrom(...NUMBERS) },
  { weight: 2, arbitrary: fc.constantFrom(null, true, false, [], {}, [[]], [null], { a: null }) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 400 }).map((depth) => nested(depth)) },
);

/** One change of a JSON value at a place that is chosen by `at`. */
const mutation = fc.record({
  at: fc.nat(),
  how: fc.constantFrom('replace', 'replace', 'replace', 'remove', 'rename', 'wrap', 'repeat', 'add'),
  value: hostileValue,
  key: hostileText,
});

/** Values near the given ones: some of their parts are something else. */
export function near(samples: readonly unknown[]): fc.Arbitrary<unknown> {
  return fc
    .record({ sample: fc.constantFrom(...samples), mutations: fc.array(mutation, { minLength: 0, maxLength: 4 }) })
    .map(({ sample, mutations }) => mutations.reduce((value, one) => mutated(value, one), structuredClone(sample)));
}

/** JSON text of such values, and what is left of it after a fault on its way. */
export function nearJson(samples: readonly unknown[]): fc.Arbitrary<Uint8Array> {
  const damage = fc.option(fc.record({ at: fc.nat(), bytes: fc.uint8Array({ maxLength: 4 }), drop: fc.nat({ max: 30 }) }), { freq: 6 });
  return fc.record({ value: near(samples), damage }).map(({ value, damage: hit }) => {
    const whole = new TextEncoder().encode(JSON.stringify(value) ?? '');
    if (!hit) return whole;
    const at = hit.at % (whole.length + 1);
    return Buffer.concat([whole.subarray(0, at), hit.bytes, whole.subarray(at + hit.drop)]);
  });
}

function mutated(root: unknown, { at, how, value: given, key }: { at: number; how: string; value: unknown; key: string }): unknown {
  // Generated values may be one and the same object.
  const value = structuredClone(given);
  const places: [Record<string, unknown>, string][] = [];
  collect({ root }, places);
  const holder = { root };
  const found = places[at % places.length];
  if (!found) return root;
  const [parent, name] = found[1] === 'root' && places.indexOf(found) === 0 ? [holder as Record<string, unknown>, 'root'] : found;
  if (how === 'remove') delete parent[name];
  else if (how === 'rename') {
    Object.defineProperty(parent, key, { value: parent[name], enumerable: true, configurable: true, writable: true });
    delete parent[name];
  } else if (how === 'wrap') parent[name] = [parent[name]];
  else if (how === 'repeat') parent[name] = [parent[name], parent[name], parent[name]];
  else if (how === 'add' && typeof parent[name] === 'object' && parent[name] !== null && !Array.isArray(parent[name]))
    Object.defineProperty(parent[name], key, { value, enumerable: true, configurable: true, writable: true });
  else parent[name] = value;
  return holder.root;
}

function collect(value: object, places: [Record<string, unknown>, string][]): void {
  for (const name of Object.keys(value)) {
    places.push([value as Record<string, unknown>, name]);
    const child = (value as Record<string, unknown>)[name];
    if (typeof child === 'object' && child !== null && places.length < 400) collect(child, places);
  }
}

function nested(depth: number): unknown {
  let value: unknown = 'deep';
  for (let at = 0; at < depth; at++) value = at % 2 === 0 ? [value] : { a: value };
  return value;
}
