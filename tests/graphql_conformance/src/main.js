// Random operations, valid and invalid, answered by the service and by graphql-js over the same data: the same operations
// are refused, and what is answered has the same names in the same order, the same values, and errors at the same paths.
//
//     node src/main.js [--count N] [--seed N] [--seconds N] [--url URL] [--only N]
//
// `--count` is how many of each; `--only` repeats one of a seed. The programs are named by CONFORMANCE_SERVICE and
// CONFORMANCE_SANDBOX, unless --url names a service that runs.

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

/** How many operations are under way together. */
const AT_ONCE = 8;

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
  const wanted = Number(options.count);
  const seed = Number(options.seed);
  const deadline = Date.now() + Number(options.seconds) * 1000;
  console.log(`seed ${seed}`);

  const counts = { valid: 0, invalid: 0, beyondLimits: 0, withErrors: 0 };
  let failures = 0;
  let next = options.only === undefined ? 0 : Number(options.only);
  const isDone = () =>
    (counts.valid >= wanted && counts.invalid >= wanted) ||
    Date.now() > deadline ||
    failures >= Number(options.failures) ||
    (options.only !== undefined && next > Number(options.only));

  const work = async () => {
    while (!isDone()) {
      const number = next;
      next += 1;
      // Each operation has a seed of its own, so that one can be repeated alone.
      const random = new Random(Math.imul(seed, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b));
      let operation = new Operations(schema, pools, random).next();
      // Once there are enough that are valid, or not, the others are drawn.
      const mustChange = counts.valid >= wanted || (counts.invalid < wanted && random.chance(0.6));
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
  await Promise.all(Array.from({ length: options.only === undefined ? AT_ONCE : 1 }, work));

  console.log(
    `${counts.valid} valid operations (${counts.withErrors} with errors) and ${counts.invalid} invalid ones, ` +
      `${counts.beyondLimits} beyond a limit, ${reference.asked} queries for the reference, ${failures} deviations`,
  );
  const isShort = options.only === undefined && (counts.valid < wanted || counts.invalid < wanted);
  if (isShort && failures === 0) console.log('the time was up before all operations were run');
  if (failures > 0 || isShort) process.exitCode = 1;
}

/** What graphql-js answers; for one that is invalid, errors alone. */
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
  // graphql-js calls it the failure of an execution that a schema has no mutations.
  return answer.errors?.[0]?.message.startsWith('Schema is not configured') ? { errors: answer.errors } : answer;
}
