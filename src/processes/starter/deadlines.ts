/** The answer, or `undefined` at `deadline` (by `performance.now`); what is under way then goes on, and repeats are harmless. */
export async function until(deadline: number, work: Promise<boolean>): Promise<boolean | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), Math.max(0, deadline - performance.now()));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** True as soon as one is; false when none is. */
export async function either(a: Promise<boolean>, b: Promise<boolean>): Promise<boolean> {
  const first = await Promise.race([a, b]);
  return first || (await a) || (await b);
}
