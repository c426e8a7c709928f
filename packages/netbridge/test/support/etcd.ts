import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { setTimeout as delay } from 'node:timers/promises'
import { temporaryFolder } from '@ctr/testing'

/** A real etcd that goes with the test, on an address of this namespace; with a folder of certificates for those who have one. */
export async function startEtcd(
  address: string,
  tls?: string,
): Promise<
  {
    readonly url: string
    readonly stop: () => Promise<void>
    readonly start: () => Promise<void>
  } & AsyncDisposable
> {
  const folder = temporaryFolder()
  const client = `${tls === undefined ? 'http' : 'https'}://${address}:2379`
  const peer = `http://${address}:2380`
  const args = [
    ...['--data-dir', `${folder.path}/etcd`, '--logger', 'zap', '--log-level', 'error'],
    ...['--listen-client-urls', client, '--advertise-client-urls', client],
    ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
    ...['--initial-cluster', `default=${peer}`],
    ...(tls === undefined
      ? []
      : [
          ...['--cert-file', `${tls}/server.pem`, '--key-file', `${tls}/server.key`],
          ...['--trusted-ca-file', `${tls}/ca.pem`, '--client-cert-auth'],
        ]),
  ]
  let child: ReturnType<typeof spawn> | undefined
  const start = async (): Promise<void> => {
    child = spawn('etcd', args, { stdio: ['ignore', 'ignore', 'inherit'] })
    await untilHealthy(client, child, tls)
  }
  const stop = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill()
    await exited
  }
  await start()
  return {
    url: tls === undefined ? `etcd://${address}:2379` : `etcds://${address}:2379`,
    start,
    stop,
    async [Symbol.asyncDispose]() {
      await stop()
      folder[Symbol.dispose]()
    },
  }
}

async function untilHealthy(
  client: string,
  child: ReturnType<typeof spawn>,
  tls: string | undefined,
): Promise<void> {
  const read = (name: string): Buffer => readFileSync(`${tls}/${name}`)
  const files =
    tls === undefined ? {} : { ca: read('ca.pem'), cert: read('client.pem'), key: read('client.key') }
  const request = tls === undefined ? httpRequest : httpsRequest

  while (child.exitCode === null) {
    const status = await new Promise<number | undefined>((resolve) => {
      request(`${client}/health`, files, (answer) => {
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
