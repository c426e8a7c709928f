// A process that crash tests kill: it runs containers (in user namespaces: `isolate`), starts one again
// (`start`), or pulls an image, over and over.
import { Runtime } from '../../src/index.js'

const [, , mode, root, state, image] = process.argv as [
  string,
  string,
  'run' | 'isolate' | 'start' | 'pull',
  string,
  string,
  string,
]
const runtime = await Runtime.open({ root, state })
if (mode === 'start') {
  // it outlives the one who was killed, for a moment
  const before = runtime.container('kept')
  if (before.inspect().status === 'running') await before.wait()
}
process.stdout.write('ready\n')
for (;;) {
  if (mode === 'start') {
    const container = await runtime.start('kept')
    await container.wait()
  } else if (mode !== 'pull') {
    const container = await runtime.run({
      image,
      command: ['true'],
      publish: [{ container: 80 }],
      memory: 32 * 2 ** 20,
      pids: 16,
      userNamespace: mode === 'isolate' ? 'auto' : 'host',
    })
    await container.wait()
    await container.remove()
  } else {
    await runtime.images.pull(image)
    await runtime.images.remove(image)
  }
}
