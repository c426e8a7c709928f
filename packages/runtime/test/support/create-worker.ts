// A process that a test kills: it makes, starts and removes containers over and over.
import { OciRuntime } from '../../src/oci/runtime.js'

const [, , root, bundle] = process.argv as [string, string, string, string]
const runtime = OciRuntime.open({ root })
process.stdout.write('ready\n')
for (let n = 0; ; n++) {
  const container = await runtime.create(`killed-${process.pid}-${n}`, {
    bundle,
    stdio: ['ignore', 'ignore', 'ignore'],
  })
  await container.start()
  await container.delete({ force: true })
}
