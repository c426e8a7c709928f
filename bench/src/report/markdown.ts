import { cells, head, number, type BenchReport } from './report.js'

/** The page that `--write` writes. */
export function toMarkdown({ machine, peers, missing, cases }: BenchReport): string {
  const table = cases.map((one) => row(cells(one)))
  const spreads = cases.flatMap(({ title, result: { figures, unit } }) =>
    figures
      .filter(({ count }) => count > 1)
      .map(({ name, median, p10, p90, count }) =>
        row([title, name, `${number(median)} ${unit}`, number(p10), number(p90), String(count)]),
      ),
  )
  const notes = cases.flatMap(({ title, result }) =>
    (result.notes ?? []).map((note) => `- ${title}: ${note}.`),
  )
  return `# Benchmarks

Medians of runs in which everybody had turns, in another order each round. Written by \`npm run bench -- --write\`.

${row(head)}
${row(head.map(() => '---'))}
${table.join('\n')}

## How to read it

${notes.join('\n')}

## Spread

${row(['case', 'who', 'median', '10 %', '90 %', 'samples'])}
${row(['---', '---', '---', '---', '---', '---'])}
${spreads.join('\n')}

## Machine

- ${machine.processor}, ${machine.processors} processors, ${machine.memoryGib} GiB; Linux ${machine.kernel}
- Node ${machine.node}
${Object.values(peers)
  .map((version) => `- ${version}\n`)
  .join('')}${missing.map((line) => `- ${line}\n`).join('')}- ${machine.date}

## How to reproduce

As root, from a clone, on a machine that does nothing else:

\`\`\`sh
npm run bench                      # all of it, some minutes
npm run bench -- --only run,exec   # only these
npm run bench -- --json            # with every figure
npm run bench -- --only pull-random --earlier run.json --write   # this page, in several runs
\`\`\`

Peers are those on the PATH: \`crun\`, \`runc\`, \`podman\`, and \`docker\` with a daemon that runs. Where they live apart
from the system, in a chroot or a mount namespace, name a script in \`BENCH_PEERS\` that runs a command among them
with \`SCRIPT exec COMMAND...\`, starts a Docker daemon with \`SCRIPT dockerd\`, and ends it with \`SCRIPT stop\`. Their
commands are timed by a shell that runs there, so that getting there is not counted. A peer that is not there is not
measured, and the rest is.
`
}

function row(values: readonly string[]): string {
  return `| ${values.map((value) => value.replaceAll('|', '\\|')).join(' | ')} |`
}
