/** Text that is HTML already; made by `html` alone. */
export interface Html {
  readonly markup: string;
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** A template whose every value is escaped, but for what `html` made and lists of it. */
export function html(strings: TemplateStringsArray, ...values: readonly (Html | readonly Html[] | string | number)[]): Html {
  let markup = strings[0] ?? '';
  values.forEach((value, at) => (markup += markupOf(value) + (strings[at + 1] ?? '')));
  return { markup };
}

function markupOf(value: Html | readonly Html[] | string | number): string {
  if (typeof value === 'string' || typeof value === 'number') return String(value).replace(/[&<>"']/g, (sign) => ESCAPES[sign] ?? '');
  return 'markup' in value ? value.markup : value.map(({ markup }) => markup).join('');
}
