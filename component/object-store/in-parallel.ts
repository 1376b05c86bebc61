/** Runs the action for 0 to count − 1, so many at once; the first failure ends it when all have settled. */
export async function inParallel(
  count: number,
  width: number,
  action: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  let failure: { readonly error: unknown } | undefined;
  const work = async (): Promise<void> => {
    while (next < count && !failure) {
      const index = next;
      next += 1;
      try {
        await action(index);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, count) }, work));
  if (failure) throw failure.error;
}
