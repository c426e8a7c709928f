// The main job, for real: an image, a registry, a pull, an isolated, limited container on a network, and then
// nothing left. `--image NAME` takes an image from a registry instead of one made of this machine's programs.
import { release } from 'node:os'
import { parseArgs } from 'node:util'
import { containerTour } from './demo/container-tour.js'
import { explainError, Report } from './demo/report.js'
import { temporaryFolder } from './support/temporary-folder.js'

const usage = `npm run demo                          an image of this machine's own programs
npm run demo -- --image NAME          an image from a registry: busybox, ghcr.io/team/app:1.2
npm run demo -- --image NAME -- CMD   and the command to run in it`

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { image: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    allowPositionals: true,
  })
  if (values.help === true) {
    console.log(usage)
    return
  }
  const report = new Report()
  report.line(
    report.style('bold', `ctr: containers from Node ${process.versions.node} on Linux ${release()}`),
  )
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    // not `once`: Ctrl+C in a terminal reaches us twice, by the terminal and by whoever started us
    process.on(signal, () => stop.abort(new Error(`interrupted by ${signal}`)))
  }
  process.stdout.on('error', (error) => stop.abort(error)) // as in `| head`: nobody reads on
  using temporary = temporaryFolder()
  const context = { report, folder: temporary.path, signal: stop.signal }
  const tour = containerTour(context, { image: values.image, command: positionals })
  const worked = await tour.catch((error: unknown) => {
    stop.signal.throwIfAborted() // what fails after that fails because of it
    throw error
  })
  stop.signal.throwIfAborted()
  report.line(
    `\n${report.style('green', '✓')} ${worked}: ${report.phases} phases in ${report.elapsed}, nothing left.`,
  )
}

main().catch((error: unknown) => {
  console.error(`\nThe demo failed: ${explainError(error)}`)
  process.exitCode = 1
})
