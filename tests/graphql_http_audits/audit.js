// Runs every audit against the URL that is given, prints the ones that do not pass, and fails unless all do.
import { serverAudits } from "graphql-http";

const url = process.argv[2];
if (!url) {
  throw new Error("usage: node audit.js URL");
}

// The service refuses what a web page could make a browser send without asking. The audits that use GET look exactly like
// that, so every request says that it is none.
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
