/** The first value of a header of an answer, whose names are in lower case. */
export function headerOf(headers: Readonly<Record<string, string | string[] | undefined>>, name: string): string | undefined {
  const value = headers[name.toLowerCase()];
  return Array.isArray(value) ? value[0] : value;
}

/** All values of a header: `WWW-Authenticate` may come several times. */
export function headersOf(headers: Readonly<Record<string, string | string[] | undefined>>, name: string): string[] {
  const value = headers[name.toLowerCase()];
  return value === undefined ? [] : Array.isArray(value) ? value : [value];
}
