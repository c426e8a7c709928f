// All packages together, by @ctr/runtime: pull an image and run it, isolated, limited and on a network.
// As any user: node run.mjs run [IMAGE]. Without a name, the image is one of this machine's own programs.
import { text } from 'node:stream/consumers'
import { join } from 'node:path'
import { Runtime } from '@ctr/runtime'
import { localRegistry } from './support/local-registry.js'
import { temporaryFolder } from './support/temporary-folder.js'

const programs = ['sh', 'cat', 'uname', 'id', 'sleep']
await using registry = process.argv[2] === undefined ? await localRegistry({ programs }) : undefined
const image = process.argv[2] ?? registry!.image

// without these two, images and containers are kept in /var/lib/ctrjs and /run/ctrjs
using folder = temporaryFolder()
await using runtime = await Runtime.open({
  root: join(folder.path, 'root'),
  state: join(folder.path, 'state'),
})

await runtime.images.pull(image, {
  onProgress: (event) => {
    if (event.kind === 'blob' && event.status === 'done')
      console.log(`pulled ${event.digest.slice(0, 19)} (${event.size} bytes)`)
    if (event.kind === 'unpacked') console.log(`unpacked ${event.diffId.slice(0, 19)}`)
  },
})

// an ordinary user may have no cgroups, and no program that connects containers to the network
const limits = runtime.rootless?.limits ?? true
const network = runtime.rootless === undefined || runtime.rootless.network === 'pasta'
for (const [what, reason] of Object.entries(runtime.rootless ?? {}))
  if (what.endsWith('Reason') && reason !== null) console.log(`Without root: ${String(reason)}`)

try {
  const container = await runtime.run({
    image,
    command: ['sh', '-c', 'uname -n; cat /proc/1/cgroup; read -r line; echo "told: $line"; exit 3'],
    // of a port of the host that is free; { host: 8080, container: 80 } takes that one
    publish: network ? [{ container: 80 }] : [],
    ...(limits ? { memory: 64 * 2 ** 20, cpus: 0.5, pids: 64 } : {}),
    stdin: 'pipe',
    stdout: 'pipe',
  })
  const { mode, address, ports } = container.inspect().network
  const published = ports.map(({ host }) => `, port ${host} of this machine is its port 80`).join('')
  console.log(`container ${container.name} on ${mode}${address === null ? '' : ` at ${address}`}${published}`)

  // another program in the same container, with its own streams and exit code
  const other = await container.exec(['id'], { stdout: 'pipe' })
  console.log(
    'exec says:',
    (await text(other.stdout!)).trim(),
    'and ends with',
    (await other.wait()).exitCode,
  )

  if (limits) {
    const { cpu, memory, pids } = container.stats()
    console.log(
      `it used ${cpu?.usageUsec ?? 0} µs, ${memory?.usage ?? 0} bytes, ${pids?.current ?? 0} process`,
    )
  }

  container.stdin!.end('go on\n')
  for await (const chunk of container.stdout!) process.stdout.write(chunk as Buffer)
  const { exitCode, signal, oomKilled } = await container.wait()
  console.log({ exitCode, signal, oomKilled })
  await container.remove()

  // what cannot be run says why, and leaves nothing
  await runtime
    .run({ image, command: ['no-such-program'] })
    .catch((error: unknown) => console.log(String(error)))
} finally {
  await runtime.reset() // also the bridge; in an application it stays for the next container
}
