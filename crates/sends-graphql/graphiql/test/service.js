// Runs a service in sandbox mode on a free port.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Starts `program`. Returns its `origin`, and the function `stop`, which ends it. */
export async function startService(program, options = ['--sandbox']) {
  const state = mkdtempSync(join(tmpdir(), 'sends-graphiql-'));
  const env = { PATH: process.env.PATH, SENDS_LISTEN: '127.0.0.1:0', SENDS_STATE_DIR: state };
  const child = spawn(program, options, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const stop = async () => {
    child.kill();
    await ended;
    rmSync(state, { recursive: true });
  };
  const log = [];
  for await (const line of createInterface({ input: child.stderr })) {
    log.push(line);
    const origin = line.match(/listening on (http:\/\/[^/]+)/)?.[1];
    if (origin) {
      child.stderr.resume();
      return { origin, stop };
    }
  }
  await stop();
  throw new Error(`the service does not listen:\n${log.join('\n')}`);
}
