import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { startHttp, type ScriptedServer } from '../../test/support/http-server.js'
import { readDockerCredentials } from '../auth/docker-config.js'
import { RegistryServer } from '../server/registry-server.js'
import { login, logout } from './login.js'
import { RegistryClient } from './registry-client.js'

const ann = { username: 'ann', password: 'secret' }

/** A registry that wants a token, beside its token server; `answer` is what that says to ann. */
async function startTokenRegistry(
  answer: () => object,
): Promise<{ readonly tokens: ScriptedServer; readonly registry: ScriptedServer }> {
  const tokens = await startHttp((request, response) => {
    const isAnn = request.headers.authorization === `Basic ${Buffer.from('ann:secret').toString('base64')}`
    if (request.method === 'GET' && !isAnn) return response.writeHead(401).end()
    return response.end(JSON.stringify(answer()))
  })
  const realm = `http://${tokens.address}/token`
  const registry = await startHttp((request, response) => {
    if (request.headers.authorization === 'Bearer fine') return response.end('{}')
    return response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}",service="test"` }).end()
  })
  return { tokens, registry }
}

describe('login()', () => {
  it('stores what a registry takes, and nothing else', async () => {
    using folder = temporaryFolder()
    const path = join(folder.path, 'config.json')
    await using server = await RegistryServer.start({ users: [ann] })
    const wrong = login(server.address, { ...ann, password: 'wrong' }, { path, retries: 0 })
    await expect(wrong).rejects.toMatchObject({ code: 'ERR_REGISTRY_UNAUTHORIZED' })
    expect(existsSync(path)).toBe(false)
    await login(`http://${server.address}/v2/`, ann, { path })
    expect(await readDockerCredentials(server.address, { path })).toEqual(ann)
    expect(await logout(server.address, { path })).toBe(true)
    expect(await readDockerCredentials(server.address, { path })).toBeUndefined()
    expect(await logout(server.address, { path })).toBe(false)
  })

  it('keeps an identity token instead of the password, and trades it', async () => {
    using folder = temporaryFolder()
    const path = join(folder.path, 'config.json')
    const { tokens, registry } = await startTokenRegistry(() => ({ token: 'fine', refresh_token: 'refresh' }))
    await using _ = tokens
    await using __ = registry
    await login(registry.address, ann, { path })
    expect(tokens.requests[0]!.line).toContain('offline_token=true')
    expect(readFileSync(path, 'utf8')).not.toContain(Buffer.from('ann:secret').toString('base64'))
    expect(await readDockerCredentials(registry.address, { path })).toEqual({ identityToken: 'refresh' })
    await using client = new RegistryClient({
      credentials: (name) => readDockerCredentials(name, { path }),
      retries: 0,
    })
    await client.ping(registry.address)
    expect(tokens.requests.at(-1)!.line).toBe('POST /token')
  })

  it('goes on with the newest refresh token', async () => {
    const forms: string[] = []
    await using tokens = await startHttp((request, response) => {
      let form = ''
      request.on('data', (chunk: Buffer) => (form += chunk.toString()))
      request.on('end', () => {
        forms.push(new URLSearchParams(form).get('refresh_token') ?? '')
        const next = `refresh-${forms.length}`
        response.end(JSON.stringify({ access_token: 'fine', expires_in: 0.001, refresh_token: next }))
      })
    })
    const realm = `http://${tokens.address}/token`
    await using registry = await startHttp((request, response) =>
      request.headers.authorization === undefined
        ? response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}"` }).end()
        : response.end('{}'),
    )
    await using client = new RegistryClient({ credentials: { identityToken: 'refresh-0' } })
    for (let n = 0; n < 3; n++) {
      await client.ping(registry.address)
      await new Promise((resolve) => setTimeout(resolve, 5)) // past the token's life
    }
    expect(forms.slice(0, 3)).toEqual(['refresh-0', 'refresh-1', 'refresh-2'])
  })

  it.each([
    [{ username: '', password: 'x' }],
    [{ username: 'a:b', password: 'x' }],
    [{ username: 'a', password: '' }],
  ])('refuses %j', async (credentials) => {
    await expect(login('h.example', credentials)).rejects.toMatchObject({ code: 'ERR_REGISTRY_INVALID_ARG' })
  })
})
