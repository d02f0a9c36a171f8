// A program that speaks Dagster Pipes without any package.
const fs = require("fs");
const zlib = require("zlib");

const param = (name) => JSON.parse(zlib.inflateSync(Buffer.from(process.env[name], "base64")));
const context = JSON.parse(fs.readFileSync(param("DAGSTER_PIPES_CONTEXT").path));
const messages = param("DAGSTER_PIPES_MESSAGES").path;
const send = (method, params) =>
  fs.appendFileSync(messages, JSON.stringify({ __dagster_pipes_version: "0.1", method, params }) + "\n");

send("opened", { extras: {} });
send("log", { message: `run ${context.run_id} of ${context.job_name}`, level: "INFO" });
send("report_asset_materialization", {
  asset_key: context.asset_keys[0],
  data_version: null,
  metadata: { rows: { type: "int", raw_value: 2 }, share: { type: "float", raw_value: 1.0 } },
});
send("closed", {});
