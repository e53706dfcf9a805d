/** What `help` prints. test/local/commands/help.test.ts compares it with the options of each command. */
export const HELP = `usage: npm start -- [VIDEO…] [--once] [--port N] [--data DIR] [--origin URL]… [--faults LIST [--seed N]] [--behaviour LIST]
       npm run --silent local -- COMMAND …
       npm run console -- --stage NAME [--api URL] [--write] …

start   starts the local cloud, deploys the functions, uploads the sample video (or the VIDEOs) and stays up
        --once     stops when the frames are there; exit code 0 only if every video has its frames
        --port N   API Gateway and console at N, OBS, MPC and FunctionGraph at the next three (default 4000; 0: free ports)
        --data DIR keeps objects and tasks across restarts
        --origin URL   lets a page under development, such as http://localhost:3000, call the API, upload and show pictures
        --faults LIST  injects failures, such as duplicate=0.2,mpc.429=0.1,crash=0.05; --seed N repeats the same decisions
        --behaviour LIST  chooses another reading of what Huawei's documents leave open, such as mpc.idsAs=number
exec [--faults LIST [--seed N]] [--behaviour LIST] [--empty] [--deny ACTIONS] -- COMMAND…
        starts the local cloud on free ports, runs COMMAND with its addresses and keys in the environment, then stops
        --empty    a new account: no bucket, agency, API group or function, for \`npm run setup\`
        --deny ACTIONS  actions that its key is denied, such as iam:*,obs:bucket:CreateBucket

init    writes serverless.yml into this folder, for the commands below
setup|deploy|package|doctor|info|callers|logs|backfill|remove --stage NAME …
        deploy and operate a stage, with the serverless.yml of this folder

Commands for a running local cloud (--port N, API_ENDPOINT, or port 4000):
explain KEY                     why the object was captured, or was not
tasks [--status S] [--count N]  the newest tasks (20), and their places in the queue
frames KEY [--wait SECONDS] [--open]
        the frames of its newest task, when it is final or after SECONDS (60); --open shows them in the browser
deliver KEY [--twice]           delivers the event of the upload again, without faults; it starts no second task

listen [--port N] [--faults LIST [--seed N]] [--json]
        receives notices (NOTIFY_URL, NOTIFY_SECRET), verifies and prints them; faults: webhook.5xx, webhook.timeout

event obs-put|obs-put-v3|eventgrid|smn|timer|apig
        prints a sample event; options: --bucket --key --size --etag, for apig --method --path --query --body,
        for timer --name --user-event, for smn --task-id
invoke create|cancel|query|on-upload|on-finish [-e FILE|-] [--port N]
        runs a function of the running local cloud (or of a new one) with an event from FILE or standard input (-)
invoke --stage NAME -f FUNCTION [-p FILE|-d JSON] [--log]
        runs a deployed function
sign-check [FILE|-|--last [--port N]]
        explains a refused signature; reads JSON: method, url, headers, body, and if known refusal and canonicalRequest
        --last  explains the last refusal of the running local cloud

console --stage NAME [--api URL] [--write] [--port N] [--no-open]
        the console against the deployed functions of a stage, with your own credentials in HUAWEICLOUD_SDK_AK,
        HUAWEICLOUD_SDK_SK, HUAWEICLOUD_SDK_PROJECT_ID (HUAWEICLOUD_SDK_SECURITY_TOKEN); read-only without --write;
        --api: the address of the API; without it FunctionGraph is asked

explain, tasks, frames, deliver, event and invoke take --json and then print JSON for programs.

exit codes  0  yes: captured, frames are there, the function succeeded, the signature is right
            1  no: not captured, failed, not found, refused
            2  no answer: wrong arguments, or no running cloud
            3  not yet: explain and frames, while the capture is still running
            exec ends with the exit code of COMMAND
`;

/**
 * The part of the help about one command.
 * @returns undefined for an unknown command
 */
export function helpFor(command: string): string | undefined {
  const lines: string[] = [];
  let heading: string[] = [];
  let isOfCommand = false;
  for (const line of HELP.split('\n')) {
    if (line === '') heading = [];
    else if (line.startsWith('Commands ')) heading = [line];
    if (!line.startsWith(' '))
      isOfCommand = /^[a-z|-]+/.exec(line)?.[0].split('|').includes(command) === true;
    const isAboutSeveral = line.includes(' take --json ') && line.split(/,? /).includes(command);
    if (isAboutSeveral && lines.length > 0) lines.push('', line);
    else if (isOfCommand && !isAboutSeveral) lines.push(...heading.splice(0), line);
  }
  return lines.length === 0 ? undefined : `${lines.join('\n')}\n`;
}
