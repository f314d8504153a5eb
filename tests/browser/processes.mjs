// Child processes that die with the test, however it ends.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';

// The guard holds a pipe from this process: at its end, which comes even when this process is killed, the child goes.
const GUARD = '"$@" </dev/null & child=$!; read -r _; kill -9 "$child" 2>/dev/null; wait "$child" 2>/dev/null';

/** Starts `command` under a guard; its output goes to the file `log`. */
export function start(command, args, log) {
  const out = openSync(log, 'a');
  return spawn('bash', ['-c', GUARD, 'guard', command, ...args], { stdio: ['pipe', out, out] });
}

/** Kills what `start` started, as SIGKILL does, and waits for its end. */
export async function kill(guard) {
  if (guard.exitCode != null || guard.signalCode != null) return;
  const ended = once(guard, 'exit');
  guard.stdin.end();
  await ended;
}

/** Polls `condition` until it answers something true; fails with `what` after `seconds`. */
export async function until(what, seconds, condition) {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const answer = await condition().catch(() => null);
    if (answer) return answer;
    if (performance.now() > deadline) throw new Error(`not within ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
