// Starts GraphiQL on this service, or says what to do when its files did not arrive.
(() => {
  const sandbox = document.body.dataset.sandbox === "true";
  const exampleActivity = "1ead98be-dfa0-4e04-81f7-5f1534d42e9c";
  const where = sandbox
    ? "# The sandbox holds this activity; press the play button."
    : "# Put the campaign_activity_id of one of your emails here, then press the play button.";
  const historyQuery = `${where}
query History {
  campaignActivity(id: "${sandbox ? exampleActivity : ""}") {
    sendHistory {
      sendId
      runDate
      count
      contactListIds
      segmentIds
      sendStatus
      reasonCode
      outcome
      reason {
        description
        remedy
      }
    }
    sendSummary {
      contactsReached
      needsAttention
    }
  }
}
`;

  document.getElementById("notice").hidden = !sandbox;

  if (!window.React || !window.ReactDOM || !window.GraphiQL) {
    const placeholder = document.getElementById("placeholder");
    placeholder.replaceChildren(document.getElementById("offline").content.cloneNode(true));
    const body = JSON.stringify({
      query: `{ campaignActivity(id: "${exampleActivity}") { sendHistory { sendId runDate count outcome } } }`,
    });
    document.getElementById("curl").textContent =
      `curl ${location.origin}/graphql \\\n  -H 'content-type: application/json' \\\n  -d '${body}'`;
    return;
  }

  const { GraphiQL, React, ReactDOM } = window;
  const fetcher = GraphiQL.createFetcher({ url: "/graphql" });
  const root = ReactDOM.createRoot(document.getElementById("graphiql"));
  root.render(React.createElement(GraphiQL, { fetcher, defaultQuery: historyQuery }));
})();
