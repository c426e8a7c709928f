import { createServer, request, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { expect, it } from '@jest/globals'
import { packLayer } from '@ctr/overlay'
import { RegistryServer } from '@ctr/registry'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { Runtime } from '../src/runtime.js'

/** Passes all on to a registry, but what it gives of one blob, which is changed. */
async function startLiar(
  address: string,
  change: (body: Buffer, request: IncomingMessage) => Buffer | undefined,
) {
  const server = createServer((incoming, answer) => {
    const { method, url, headers } = incoming
    request(`http://${address}${url}`, { method, headers }, (given) => {
      void buffer(given).then((body) => {
        const changed = url?.includes('/blobs/') === true ? change(body, incoming) : body
        answer.writeHead(given.statusCode!, { ...given.headers, 'content-length': body.length })
        if (changed?.length === body.length) answer.end(changed)
        else answer.write(changed ?? body.subarray(0, 100_000), () => answer.destroy())
      })
    }).end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

describeOn(['root', 'overlay'], 'Runtime.images.pull() from who gives other bytes', () => {
  leakCheck()
  const files = Array.from({ length: 30 }, (_, n) => ({
    type: 'file' as const,
    path: `data/${n}`,
    content: Buffer.alloc(50_000, `content ${n}`),
  }))

  async function pullBetween(change: Parameters<typeof startLiar>[1], layer: Readable, between?: () => void) {
    using folder = temporaryFolder('ctr-liar-')
    await using registry = await RegistryServer.start({ root: join(folder.path, 'registry') })
    {
      const [root, state] = [join(folder.path, 'maker'), join(folder.path, 'maker-state')]
      await using maker = await Runtime.open({ root, state })
      const image = `${registry.address}/liar/image:1`
      await maker.images.add({ layers: [{ tar: layer, compression: 'none' }] }, { reference: image })
      await maker.images.push(image)
    }
    await using liar = await startLiar(registry.address, change)
    const root = join(folder.path, 'root')
    await using runtime = await Runtime.open({ root, state: join(folder.path, 'state') })
    const image = `${liar.address}/liar/image:1`
    if (between !== undefined) {
      await expect(runtime.images.pull(image)).rejects.toMatchObject({ code: 'ERR_REGISTRY_CONNECTION' })
      between()
    }
    const error: unknown = await runtime.images.pull(image).then(
      () => undefined,
      (reason: unknown) => reason,
    )
    const layers = join(root, 'overlay/layers/sha256')
    const temporary = readdirSync(join(root, 'overlay')).filter((name) => name.includes('temp'))
    return {
      error,
      names: (await runtime.images.list()).flatMap(({ references }) => references),
      layers: existsSync(layers) ? readdirSync(layers) : [],
      halfMade: temporary.flatMap((name) => readdirSync(join(root, 'overlay', name))),
    }
  }
  const plain = (): Readable => packLayer(files, { compression: 'none' }).stream
  const nothing = { names: [], layers: [], halfMade: [] }

  it('shows nothing of a layer whose bytes are not those of the manifest', async () => {
    // the first file, so that it is unpacked long before all has come; and behind the end of the archive
    for (const at of [600, -1]) {
      const { error, ...left } = await pullBetween((body) => {
        const changed = Buffer.from(body)
        if (body.length > 100_000) changed[at < 0 ? body.length + at : at]! ^= 1
        return changed
      }, plain())
      expect(error).toMatchObject({ code: 'ERR_REGISTRY_DIGEST_MISMATCH' })
      expect(left).toEqual(nothing)
    }
  })

  it('begins anew where what an earlier pull left was wrong, and unpacks what comes then', async () => {
    let isBroken = true
    const { error, ...left } = await pullBetween(
      (body, { headers }) => {
        if (body.length < 100_000 || !isBroken) return body
        if (headers.range === undefined) body.fill(0xff, 0, 1000) // no archive at all
        return undefined
      },
      plain(),
      () => (isBroken = false),
    )
    expect(error).toBeUndefined()
    expect(left).toMatchObject({ layers: [expect.any(String)], halfMade: [] })
    expect(left.names).toHaveLength(1)
  })
})
