// Runs every audit against the given URL, prints the failed audits, and exits with an error if there are any.
import { serverAudits } from "graphql-http";

const url = process.argv[2];
if (!url) {
  throw new Error("usage: node audit.js URL");
}

// The service rejects requests that a web page could send without a preflight. The GET audits look like such requests,
// so each request has the header that permits it.
const fetchFn = (input, init) => {
  const headers = new Headers(init?.headers);
  headers.set("graphql-require-preflight", "1");
  return fetch(input, { ...init, headers });
};

let passed = 0;
const audits = serverAudits({ url, fetchFn });
for (const audit of audits) {
  const result = await audit.fn();
  if (result.status === "ok") {
    passed += 1;
  } else {
    console.log(`${result.status} ${audit.id} ${audit.name}: ${result.reason}`);
  }
}
console.log(`${passed} of ${audits.length} audits passed`);
process.exitCode = audits.length > 0 && passed === audits.length ? 0 : 1;
