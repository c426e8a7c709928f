// A process that a test kills: it has started a container on a terminal that outlives it.
import { Runtime } from '../../src/index.js'

const [, , root, state, image, name, script] = process.argv as [
  string,
  string,
  string,
  string,
  string,
  string,
  string,
]
const runtime = await Runtime.open({ root, state })
process.stdout.write('open\n')
const container = await runtime.run({
  image,
  name,
  network: 'none',
  detach: true,
  terminal: { rows: 24, columns: 80 },
  command: ['sh', '-c', script],
})
process.stdout.write(`${container.id}\n`)
setInterval(() => undefined, 1e9)
