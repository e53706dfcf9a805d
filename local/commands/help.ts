/** What `help` prints; test/local/commands/help.test.ts holds it to the options that each command takes. */
export const HELP = `usage: npm start -- [VIDEO…] [--once] [--port N] [--data DIR] [--origin URL]… [--faults LIST [--seed N]] [--behaviour LIST]
       npm run --silent local -- COMMAND …
       npm run console -- --stage NAME [--api URL] [--write] …

start   starts the local cloud, deploys the functions, uploads the sample video (or the VIDEOs) and stays up
        --once     ends after the answer; exit code 0 only when every video has its frames
        --port N   API Gateway and console at N, OBS, MPC and FunctionGraph at the next three (default 4000; 0: free ports)
        --data DIR keeps objects and tasks over restarts
        --origin URL   lets a page under development, such as http://localhost:3000, call the API, upload and show pictures
        --faults LIST  lets things go wrong, such as duplicate=0.2,mpc.429=0.1,crash=0.05; --seed N replays them
        --behaviour LIST  chooses another reading where the documents leave one open, such as mpc.idsAs=number
exec [--faults LIST [--seed N]] [--behaviour LIST] [--empty] [--deny ACTIONS] -- COMMAND…
        starts the local cloud on free ports, runs COMMAND with its addresses and keys in the environment, stops
        --empty    a new account: no bucket, agency, API group or function, for \`npm run setup\`
        --deny ACTIONS  what its key may not do, such as iam:*,obs:bucket:CreateBucket

init    writes serverless.yml into this folder, for the following
setup|deploy|package|doctor|info|callers|logs|backfill|remove --stage NAME …
        deploying and what belongs to it, with the serverless.yml of this folder

Of a cloud that runs, at --port N, at API_ENDPOINT or at port 4000:
explain KEY                     why the object was captured, or was not
tasks [--status S] [--count N]  the newest tasks (20), and their places in the queue
frames KEY [--wait SECONDS] [--open]
        the frames of its newest task, once that is final or the time (60 s) is over; --open shows them in the browser
deliver KEY [--twice]           the event of the upload once more, past all faults; it starts no second task

listen [--port N] [--faults LIST [--seed N]] [--json]
        receives notices (NOTIFY_URL, NOTIFY_SECRET), verifies and prints them; faults: webhook.5xx, webhook.timeout

event obs-put|obs-put-v3|eventgrid|smn|timer|apig
        prints a sample event; options: --bucket --key --size --etag, for apig --method --path --query --body,
        for timer --name --user-event, for smn --task-id
invoke create|cancel|query|on-upload|on-finish [-e FILE|-] [--port N]
        runs a function of the running local cloud (or of one started for the purpose) with an event from FILE or -
invoke --stage NAME -f FUNCTION [-p FILE|-d JSON] [--log]
        runs a deployed function
sign-check [FILE|-|--last [--port N]]
        says why a signature is refused; JSON in: method, url, headers, body, and refusal, canonicalRequest if known
        --last  explains what the running local cloud refused last

console --stage NAME [--api URL] [--write] [--port N] [--no-open]
        the console against the deployed functions of a stage, with your own credentials in HUAWEICLOUD_SDK_AK,
        HUAWEICLOUD_SDK_SK, HUAWEICLOUD_SDK_PROJECT_ID (HUAWEICLOUD_SDK_SECURITY_TOKEN); changes nothing without --write;
        --api where FunctionGraph shall not be asked for the address

explain, tasks, frames, deliver, event and invoke take --json: what they print is for programs then.

exit codes  0  yes: captured, frames are there, the function succeeded, the signature is right
            1  no: not captured, failed, not found, refused
            2  could not be asked: wrong arguments, or no cloud answers there
            3  not yet: explain and frames, while the capture is still running
            exec hands on the code of its COMMAND
`;
