import { expect } from '@jest/globals'
import { parseChallenges } from '../../src/auth/challenge.js'
import { nextPage } from '../../src/client/list-names.js'
import { isRegistryError } from '../../src/errors.js'
import { isPlainHttp } from '../../src/http/plain-http.js'
import { proxyFor } from '../../src/http/proxy.js'
import { retryAfterMs } from '../../src/http/read-body.js'
import { isDigest } from '../../src/manifest/digest.js'
import { parseImageConfig } from '../../src/manifest/image-config.js'
import { isIndex, parseManifest } from '../../src/manifest/manifest.js'
import { parsePlatform } from '../../src/manifest/platform.js'
import { formatReference } from '../../src/reference/format-reference.js'
import { parseReference } from '../../src/reference/parse-reference.js'

/**
 * What must hold for any bytes: the first one chooses a parser, the rest is its input. Parsers take it or throw
 * an error of ours, and what they take is what later steps build on.
 */
export function checkParser(input: Uint8Array): void {
  const body = Buffer.from(input.subarray(1))
  const text = body.toString('utf8')
  const checks = [
    () => checkManifest(body),
    () => checkConfig(body),
    () => checkReferenceText(text),
    () => parseChallenges(text),
    () => nextPage(text, new URL('https://h.example/v2/a/tags/list'), 'test'),
    () => checkWords(text),
    () => checkHosts(text),
  ]
  try {
    checks[(input[0] ?? 0) % checks.length]!()
  } catch (error) {
    if (!isRegistryError(error)) throw error
  }
}

function checkManifest(body: Buffer): void {
  const document = parseManifest(body)
  const descriptors = isIndex(document) ? document.manifests : [document.config, ...document.layers]
  for (const { digest, size } of descriptors) {
    expect(isDigest(digest)).toBe(true)
    expect(Number.isSafeInteger(size) && size >= 0).toBe(true)
  }
  const again = parseManifest(Buffer.from(JSON.stringify(document)), document.mediaType)
  expect(JSON.stringify(again)).toBe(JSON.stringify(document))
}

function checkConfig(body: Buffer): void {
  expect(parseImageConfig(body).rootfs.diff_ids.every(isDigest)).toBe(true)
}

function checkReferenceText(text: string): void {
  const reference = parseReference(text)
  const { registry, repository, tag, digest } = reference
  const path = `/v2/${repository}/manifests/${digest ?? tag ?? ''}`
  const url = new URL(`https://${registry}${path}`)
  expect([url.pathname, url.username, url.search, url.hash]).toEqual([path, '', '', ''])
  expect(parseReference(formatReference(reference))).toEqual(reference)
}

function checkWords(text: string): void {
  const wait = retryAfterMs(text) ?? 0
  expect(Number.isFinite(wait) && wait >= 0).toBe(true)
  parsePlatform(text)
}

function checkHosts(text: string): void {
  const [host = '', rule = ''] = text.split('\n')
  if (!URL.canParse(`https://${host}`)) return
  const url = new URL(`https://${host}`)
  proxyFor(url, { https: 'http://proxy.example:1', no: rule })
  isPlainHttp(url.host, [rule])
}
