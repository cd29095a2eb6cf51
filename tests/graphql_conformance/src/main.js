// Compares the service with graphql-js on random valid and invalid operations over the same data. Both must reject the
// same operations. Their responses must have the same names in the same order, the same values, and errors at the same
// paths.
//
//     node src/main.js [--count N] [--seed N] [--seconds N] [--url URL] [--only N]
//
// `--count` is the number of operations of each kind, and `--only` repeats one operation of a seed. CONFORMANCE_SERVICE
// and CONFORMANCE_SANDBOX name the programs, unless --url names a running service.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parse } from 'graphql';

import { difference } from './compare.js';
import { mutate } from './mutations.js';
import { Operations, isVolatile } from './operations.js';
import { gather } from './pools.js';
import { Random } from './random.js';
import { Reference, referenceSchema } from './reference.js';
import { client, startService } from './service.js';

const { values: options } = parseArgs({
  options: {
    count: { type: 'string', default: '2000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    seconds: { type: 'string', default: '600' },
    only: { type: 'string' },
    url: { type: 'string' },
    failures: { type: 'string', default: '3' },
  },
});

/** Number of concurrent operations. */
const CONCURRENCY = 8;

const built = (name) => fileURLToPath(new URL(`../../../target/debug/${name}`, import.meta.url));
const service = options.url
  ? { url: options.url, stop: async () => {} }
  : await startService({
      service: process.env.CONFORMANCE_SERVICE ?? built('sends-graphql'),
      sandbox: process.env.CONFORMANCE_SANDBOX ?? built('sends-sandbox'),
    });
try {
  await main();
} finally {
  await service.stop();
}

async function main() {
  const ask = client(service.url);
  const sdl = readFileSync(new URL('../../../schema.graphql', import.meta.url), 'utf8');
  const schema = await referenceSchema(sdl, ask);
  const reference = new Reference(schema, ask);
  const pools = await gather(ask);
  const required = Number(options.count);
  const seed = Number(options.seed);
  const deadline = Date.now() + Number(options.seconds) * 1000;
  console.log(`seed ${seed}`);

  const counts = { valid: 0, invalid: 0, beyondLimits: 0, withErrors: 0 };
  let failures = 0;
  let next = options.only === undefined ? 0 : Number(options.only);
  const isDone = () =>
    (counts.valid >= required && counts.invalid >= required) ||
    Date.now() > deadline ||
    failures >= Number(options.failures) ||
    (options.only !== undefined && next > Number(options.only));

  const work = async () => {
    while (!isDone()) {
      const number = next;
      next += 1;
      // Each operation has its own seed, so that a single operation can be repeated.
      const random = new Random(Math.imul(seed, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b));
      let operation = new Operations(schema, pools, random).next();
      // Once one kind is complete, only operations of the other kind are drawn.
      const mustChange = counts.valid >= required || (counts.invalid < required && random.chance(0.6));
      if (mustChange) operation = mutate(operation, random, schema);
      const expected = await expectedAnswer(reference, operation);
      const answered = await ask(operation.text, operation.variables);
      if (answered.errors?.some((error) => error.extensions?.limit)) {
        counts.beyondLimits += 1;
        continue;
      }
      if ('data' in expected) {
        counts.valid += 1;
        if (expected.errors) counts.withErrors += 1;
      } else {
        counts.invalid += 1;
      }
      const found = difference(answered, expected, isVolatile(operation.text));
      if (!found) continue;
      failures += 1;
      console.log(`\nFAILED: ${found}`);
      console.log(`--seed ${seed} --only ${number}`);
      console.log(operation.text);
      console.log(`variables: ${JSON.stringify(operation.variables)}`);
      console.log(`service:    ${JSON.stringify(answered)}`);
      console.log(`graphql-js: ${JSON.stringify(expected)}`);
    }
  };
  await Promise.all(Array.from({ length: options.only === undefined ? CONCURRENCY : 1 }, work));

  console.log(
    `${counts.valid} valid operations (${counts.withErrors} with errors) and ${counts.invalid} invalid ones, ` +
      `${counts.beyondLimits} beyond a limit, ${reference.queryCount} queries for the reference, ${failures} deviations`,
  );
  const isShort = options.only === undefined && (counts.valid < required || counts.invalid < required);
  if (isShort && failures === 0) console.log('the time was up before all operations were run');
  if (failures > 0 || isShort) process.exitCode = 1;
}

/** Returns the response of graphql-js, which has only errors for an invalid operation. */
async function expectedAnswer(reference, { text, variables }) {
  let document;
  try {
    document = parse(text);
  } catch (error) {
    return { errors: [{ message: error.message }] };
  }
  const mistakes = reference.mistakes(document);
  if (mistakes.length > 0) return { errors: mistakes.map(({ message }) => ({ message })) };
  const answer = await reference.execute(document, variables);
  // graphql-js reports a missing mutation type as an execution error.
  return answer.errors?.[0]?.message.startsWith('Schema is not configured') ? { errors: answer.errors } : answer;
}
