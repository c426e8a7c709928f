import { once } from 'node:events'
import type { Runtime } from '@ctr/runtime'
import type { DemoContext } from './demo-context.js'
import { formatBytes } from './report.js'

const MiB = 2 ** 20

/** A shell whose child doubles a string until the kernel ends it; the shell itself lives on to tell. */
export async function runOutOfMemory(
  runtime: Runtime,
  image: string,
  { report, signal }: DemoContext,
): Promise<void> {
  const hog = 'x=0123456789abcdef; while :; do x=$x$x; done'
  const container = await runtime.run({
    image,
    entrypoint: ['/bin/sh'],
    command: ['-c', `sh -c '${hog}'; code=$?; echo $code; read -r line; exit $code`],
    network: 'none',
    memory: 64 * MiB,
    memorySwap: 64 * MiB,
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'ignore',
    signal,
  })
  const [code] = (await once(container.stdout!, 'data', { signal })) as [Buffer]
  const { memory } = container.stats()
  container.stdin!.end()
  const exit = await container.wait()
  await container.remove()
  report.detail(
    `the program in it was killed (exit code ${code.toString().trim()}), the container's shell lived on`,
  )
  report.table(
    ['memory of the container', ''],
    [
      ['limit', formatBytes(Number(memory?.limit))],
      ['most in use', formatBytes(memory?.peak ?? 0)],
      ['killed by the kernel', `${memory?.oomKills ?? 0} of its processes`],
      ['reported at the end', `exit code ${String(exit.exitCode)}, oomKilled ${exit.oomKilled}`],
    ],
  )
  if (!exit.oomKilled) throw new Error('cannot show a memory limit: nothing was killed')
}
