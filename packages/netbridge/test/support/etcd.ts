import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { temporaryFolder } from '@ctr/testing'

/** A real etcd that goes with the test, on an address of this namespace or of one that it is started in. */
export async function startEtcd(
  address: string,
  enter: readonly string[] = [],
): Promise<
  {
    readonly url: string
    readonly stop: () => Promise<void>
    readonly start: () => Promise<void>
  } & AsyncDisposable
> {
  const folder = temporaryFolder()
  const client = `http://${address}:2379`
  const peer = `http://${address}:2380`
  const [program, ...args] = [
    ...enter,
    ...['etcd', '--data-dir', `${folder.path}/etcd`, '--logger', 'zap', '--log-level', 'error'],
    ...['--listen-client-urls', client, '--advertise-client-urls', client],
    ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
    ...['--initial-cluster', `default=${peer}`],
  ]
  let child: ReturnType<typeof spawn> | undefined
  const start = async (): Promise<void> => {
    child = spawn(program!, args, { stdio: ['ignore', 'ignore', 'inherit'] })
    if (enter.length === 0) await untilHealthy(client, child)
  }
  const stop = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null) return
    const exited = once(child, 'exit')
    child.kill()
    await exited
  }
  await start()
  return {
    url: `etcd://${address}:2379`,
    start,
    stop,
    async [Symbol.asyncDispose]() {
      await stop()
      folder[Symbol.dispose]()
    },
  }
}

async function untilHealthy(client: string, child: ReturnType<typeof spawn>): Promise<void> {
  while (child.exitCode === null) {
    const status = await new Promise<number | undefined>((resolve) => {
      request(`${client}/health`, (answer) => {
        answer.resume()
        resolve(answer.statusCode)
      })
        .on('error', () => resolve(undefined))
        .end()
    })
    if (status === 200) return
    await delay(50)
  }
  throw new Error(`etcd ended with ${child.exitCode}`)
}
