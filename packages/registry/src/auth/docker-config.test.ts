import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { readDockerCredentials } from './docker-config.js'

const auth = Buffer.from('ann:pass:word').toString('base64')

async function look(registry: string, content: string): ReturnType<typeof readDockerCredentials> {
  using folder = temporaryFolder()
  const path = join(folder.path, 'config.json')
  writeFileSync(path, content)
  return await readDockerCredentials(registry, { path })
}

describe('readDockerCredentials()', () => {
  it('finds what docker login stores, under all the keys it uses', async () => {
    const known = { username: 'ann', password: 'pass:word' }
    expect(
      await look('docker.io', JSON.stringify({ auths: { 'https://index.docker.io/v1/': { auth } } })),
    ).toEqual(known)
    expect(await look('h.io:5000', JSON.stringify({ auths: { 'h.io:5000': { auth } } }))).toEqual(known)
    expect(await look('h.io', JSON.stringify({ auths: { 'https://h.io/v2/': { auth } } }))).toEqual(known)
    expect(await look('h.io', JSON.stringify({ auths: { 'h.io': { identitytoken: 'tok', auth } } }))).toEqual(
      { identityToken: 'tok' },
    )
  })

  it('finds nothing for another registry, an empty entry or a missing file', async () => {
    expect(await look('other.io', JSON.stringify({ auths: { 'h.io': { auth } } }))).toBeUndefined()
    expect(
      await look('h.io', JSON.stringify({ auths: { 'h.io': {} }, credsStore: 'desktop' })),
    ).toBeUndefined()
    expect(await readDockerCredentials('h.io', { path: '/nonexistent/config.json' })).toBeUndefined()
  })

  it('says that the file is damaged without showing its secrets', async () => {
    const damaged = look('h.io', '{"auths": secret')
    await expect(damaged).rejects.toMatchObject({ code: 'ERR_REGISTRY_CREDENTIALS' })
    await expect(damaged).rejects.toThrow(/^((?!secret).)*$/)
    await expect(look('h.io', JSON.stringify({ auths: { 'h.io': { auth: 'c2VjcmV0' } } }))).rejects.toThrow(
      /^((?!secret).)*$/,
    )
  })
})
