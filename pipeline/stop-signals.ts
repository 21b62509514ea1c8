/** Ctrl-C and its kin, as requests. */

export interface StopSignals {
  /** The first asks for a clean stop. */
  stop: AbortSignal;
  /** The second for an end at once. */
  kill: AbortSignal;
  close(): void;
}

export function listenForStop(): StopSignals {
  const [stop, kill] = [new AbortController(), new AbortController()];
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const onSignal = () => (stop.signal.aborted ? kill : stop).abort();
  for (const name of names) process.on(name, onSignal);
  const close = () => {
    for (const name of names) process.off(name, onSignal);
  };
  return { stop: stop.signal, kill: kill.signal, close };
}
