import { describe, expect, it } from '@jest/globals'
import { startHttp, type ScriptedServer } from '../../test/support/http-server.js'
import { RegistryClient } from '../client/registry-client.js'
import { digestOf } from '../manifest/digest.js'
import { mediaTypes } from '../manifest/media-types.js'
import type { Credentials, CredentialSource } from './credentials.js'

const config = { mediaType: mediaTypes.ociConfig, digest: digestOf('{}'), size: 2 }
const manifest = JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [] })

/** A token server that gives `token-1`, `token-2`…, to anybody or to ann alone. */
async function startTokens({ lifeSeconds = 300, onlyAnn = false } = {}): Promise<ScriptedServer> {
  let count = 0
  return await startHttp((request, response) => {
    const isAnn = request.headers.authorization === `Basic ${Buffer.from('ann:secret').toString('base64')}`
    if (onlyAnn && !isAnn) return response.writeHead(401).end('{"details":"incorrect username or password"}')
    return response.end(JSON.stringify({ token: `token-${++count}`, expires_in: lifeSeconds }))
  })
}

/** A registry that takes the tokens that `isFine` likes. */
async function startRegistry(
  realm: string,
  isFine: (token: string) => boolean = () => true,
): Promise<ScriptedServer> {
  return await startHttp((request, response) => {
    const token = /^Bearer (.*)$/.exec(request.headers.authorization ?? '')?.[1]
    if (token !== undefined && isFine(token)) return response.end(manifest)
    const scope = `repository:${/^\/v2\/(.+)\/manifests/.exec(request.url ?? '')?.[1] ?? 'x'}:pull`
    return response
      .writeHead(401, { 'www-authenticate': `Bearer realm="${realm}",service="test",scope="${scope}"` })
      .end()
  })
}

function newClient(credentials: CredentialSource): RegistryClient {
  return new RegistryClient({ credentials, retries: 0 })
}

describe('token authentication', () => {
  it('gets a token for the scope, and keeps it', async () => {
    await using tokens = await startTokens()
    await using registry = await startRegistry(`http://${tokens.address}/token`)
    await using client = newClient('anonymous')
    await client.manifest(`${registry.address}/team/app:1`)
    await client.manifest(`${registry.address}/team/app:2`)
    expect(tokens.requests.map(({ line }) => line)).toEqual([
      'GET /token?service=test&scope=repository%3Ateam%2Fapp%3Apull',
    ])
    expect(registry.requests.map(({ authorization }) => authorization)).toEqual([
      undefined,
      'Bearer token-1',
      'Bearer token-1',
    ])
    await client.manifest(`${registry.address}/other:1`)
    expect(tokens.requests).toHaveLength(2)
  })

  it('asks once when many need the same token', async () => {
    await using tokens = await startTokens()
    await using registry = await startRegistry(`http://${tokens.address}/token`)
    await using client = newClient('anonymous')
    await client.manifest(`${registry.address}/a`)
    await client.manifest(`${registry.address}/b`)
    await Promise.all(Array.from({ length: 8 }, (_, n) => client.manifest(`${registry.address}/c:${n}`)))
    expect(tokens.requests).toHaveLength(3)
  })

  it('gets a new one when the token has run out or is refused', async () => {
    await using tokens = await startTokens({ lifeSeconds: 0.01 })
    const seen = new Set<string>()
    await using registry = await startRegistry(
      `http://${tokens.address}/token`,
      (token) => !seen.has(token) && Boolean(seen.add(token)),
    )
    await using client = newClient('anonymous')
    for (let n = 0; n < 3; n++) await client.manifest(`${registry.address}/a`)
    expect(seen.size).toBe(3)
    await using lasting = await startTokens()
    await using forgetful = await startRegistry(
      `http://${lasting.address}/token`,
      (token) => token === `token-${lasting.requests.length}` && lasting.requests.length !== 2,
    )
    await expect(client.manifest(`${forgetful.address}/a`)).resolves.toBeDefined()
  })

  it('sends name and password to the token server only', async () => {
    await using tokens = await startTokens({ onlyAnn: true })
    await using registry = await startRegistry(`http://${tokens.address}/token`)
    await using client = newClient({ username: 'ann', password: 'secret' })
    await client.manifest(`${registry.address}/a`)
    expect(tokens.requests[0]!.line).toContain('account=ann')
    expect(registry.requests.map(({ authorization }) => authorization)).toEqual([undefined, 'Bearer token-1'])
    await using wrong = newClient((name) =>
      Promise.resolve(name === registry.address ? { username: 'ann', password: 'wrong' } : undefined),
    )
    const refused = wrong.manifest(`${registry.address}/a`)
    await expect(refused).rejects.toMatchObject({ code: 'ERR_REGISTRY_UNAUTHORIZED', status: 401 })
    await expect(refused).rejects.not.toThrow(/wrong|secret/)
  })

  it('trades an identity token by POST, and sends a registry token as it is', async () => {
    let form = ''
    await using tokens = await startHttp((request, response) => {
      request.on('data', (chunk: Buffer) => (form += chunk.toString()))
      request.on('end', () => response.end('{"access_token":"fresh"}'))
    })
    await using registry = await startRegistry(
      `http://${tokens.address}/token`,
      (token) => token === 'fresh' || token === 'direct',
    )
    await using client = newClient({ identityToken: 'refresh-me' })
    await client.manifest(`${registry.address}/a`)
    expect(Object.fromEntries(new URLSearchParams(form))).toMatchObject({
      grant_type: 'refresh_token',
      refresh_token: 'refresh-me',
      service: 'test',
    })
    const before = tokens.requests.length
    await using direct = newClient({ registryToken: 'direct' })
    await direct.manifest(`${registry.address}/a`)
    expect(tokens.requests).toHaveLength(before)
  })

  it('does not follow redirects of the token server, nor take rubbish for a token', async () => {
    await using trap = await startHttp((_, response) => response.end('{"token":"x"}'))
    const answers = [
      { status: 307, body: '', code: 'ERR_REGISTRY_STATUS' },
      { status: 200, body: 'rubbish', code: 'ERR_REGISTRY_PROTOCOL' },
      { status: 200, body: '{"token":"a\\r\\nb: c"}', code: 'ERR_REGISTRY_PROTOCOL' },
      { status: 200, body: '{"token":1}', code: 'ERR_REGISTRY_PROTOCOL' },
      { status: 200, body: `{"token":"${'x'.repeat(2 ** 20)}"}`, code: 'ERR_REGISTRY_TOO_LARGE' },
    ]
    const credentials: Credentials = { username: 'ann', password: 'secret' }
    for (const { status, body, code } of answers) {
      await using tokens = await startHttp((_, response) =>
        response.writeHead(status, { location: `http://${trap.address}/` }).end(body),
      )
      await using registry = await startRegistry(`http://${tokens.address}/token`)
      await using client = newClient(credentials)
      await expect(client.manifest(`${registry.address}/a`)).rejects.toMatchObject({ code })
    }
    expect(trap.requests).toEqual([])
  })

  it('sends nothing to a realm over plain HTTP elsewhere, and understands no realm at all', async () => {
    for (const [realm, code] of [
      ['http://auth.example/token', 'ERR_REGISTRY_INSECURE'],
      ['nonsense', 'ERR_REGISTRY_PROTOCOL'],
      ['file:///etc/passwd', 'ERR_REGISTRY_PROTOCOL'],
    ] as const) {
      await using registry = await startRegistry(realm)
      await using client = newClient({ username: 'ann', password: 'secret' })
      await expect(client.manifest(`${registry.address}/a`)).rejects.toMatchObject({ code })
    }
  })

  it('ends when a fresh token is refused too', async () => {
    await using tokens = await startTokens()
    await using registry = await startRegistry(`http://${tokens.address}/token`, () => false)
    await using client = newClient('anonymous')
    await expect(client.manifest(`${registry.address}/a`)).rejects.toMatchObject({
      code: 'ERR_REGISTRY_UNAUTHORIZED',
    })
    expect(registry.requests).toHaveLength(2)
  })
})
