/** Makes things ahead of their use, so that the one who uses them does not wait. */

/**
 * Yields `make(from)`, `make(from + 1)`, … in order and keeps `depth` of them under way in the background. Nothing
 * is started before the first is asked for, and never more than `depth` ahead of the one in use. An error surfaces
 * at its index and ends it. Once it has ended, or `return()` was called (as leaving a `for await` does), nothing is
 * under way any more.
 * @param count ends before this index; or a function that says before each `make` whether there is another one
 * @param depth at least 1
 */
export function prefetch<T>(
  count: number | (() => boolean),
  make: (index: number) => Promise<T>,
  depth = 2,
  from = 0,
): AsyncIterableIterator<T> {
  const queue: Promise<T>[] = [];
  let next = from;
  let ended = false;
  const hasMore = typeof count === 'number' ? () => next < count : count;

  const fill = () => {
    while (!ended && queue.length < depth && hasMore()) {
      const index = next++;
      // Within a promise, so that a `make` that throws at once also surfaces at its index.
      const made = Promise.resolve().then(() => make(index));
      made.catch(() => undefined);
      queue.push(made);
    }
  };
  const end = async () => {
    ended = true;
    await Promise.allSettled(queue.splice(0));
  };

  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      fill();
      const head = queue.shift();
      if (head === undefined) return { done: true, value: undefined };
      try {
        const value = await head;
        fill();
        return { done: false, value };
      } catch (error) {
        await end();
        throw error;
      }
    },
    async return() {
      await end();
      return { done: true, value: undefined };
    },
  };
}
