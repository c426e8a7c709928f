import { text } from 'node:stream/consumers'
import { Runtime } from '@ctr/runtime'
import { localRegistry } from './support/local-registry.js'
import { temporaryFolder } from './support/temporary-folder.js'
import { join } from 'node:path'
await using registry = await localRegistry({ programs: ['sh', 'cat', 'uname', 'id', 'sleep', 'ls','mount'] })
using folder = temporaryFolder()
await using runtime = await Runtime.open({ root: join(folder.path, 'root'), state: join(folder.path, 'state') })
await runtime.images.pull(registry.image)
for (let i = 0; i < 2; i++) {
  const t = performance.now()
  const c = await runtime.run({ image: registry.image, command: ['sh','-c', process.argv[2] ?? 'id; cat /proc/self/uid_map; cat /proc/self/mountinfo; ls -l /dev / ; echo hi > /x; ls -ln /x; cat /etc/resolv.conf /proc/net/route'], stdout: 'pipe', stderr: 'inherit' })
  console.log('started', performance.now() - t, c.inspect().network)
  const out = await text(c.stdout!)
  if (i === 0) console.log(out)
  console.log(await c.wait(), await c.changes())
  await c.remove()
  console.log('whole', performance.now() - t)
}
await runtime.reset()
