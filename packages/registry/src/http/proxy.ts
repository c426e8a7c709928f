import { RegistryError } from '../errors.js'
import { hostNameOf, isInNetwork, isLoopback } from './network.js'

/** Which proxies requests go through. */
export interface ProxySettings {
  /** Proxy for plain HTTP, such as `http://user:password@proxy.example:3128`. */
  readonly http?: string | undefined
  /** Proxy for HTTPS, by `CONNECT`. */
  readonly https?: string | undefined
  /**
   * What is reached without a proxy, separated by commas: host names, which mean their subdomains too;
   * `.example.com` for subdomains alone; addresses and networks (`10.0.0.0/8`); any of them with `:port`; `*`
   * for everything. This machine itself is never reached through a proxy.
   */
  readonly no?: string | undefined
}

/** `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, or the same in lower case, which goes first. */
export function environmentProxies(env: NodeJS.ProcessEnv = process.env): ProxySettings {
  const read = (name: string): string | undefined => env[name.toLowerCase()] ?? env[name]
  return { http: read('HTTP_PROXY'), https: read('HTTPS_PROXY'), no: read('NO_PROXY') }
}

/**
 * The proxy for an address; `undefined` for none.
 *
 * @throws {@link RegistryError} `ERR_REGISTRY_INVALID_ARG`: the proxy is no address of HTTP or HTTPS.
 */
export function proxyFor(url: URL, { http, https, no = '' }: ProxySettings): URL | undefined {
  const wanted = url.protocol === 'https:' ? https : http
  if (wanted === undefined || wanted === '' || isExcepted(url, no)) return undefined
  let proxy: URL | undefined
  try {
    proxy = new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(wanted) ? wanted : `http://${wanted}`)
  } catch {
    proxy = undefined // said below; the text may hold a password
  }
  if (proxy?.protocol === 'http:' || proxy?.protocol === 'https:') return proxy
  throw new RegistryError(
    'ERR_REGISTRY_INVALID_ARG',
    `cannot reach ${url.host}: the proxy for ${url.protocol}// must be an address of http or https`,
  )
}

/** The `Proxy-Authorization` header of a proxy's address, for those that have a user. */
export function proxyAuthorization({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === '' && password === '') return {}
  const user = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { 'proxy-authorization': `Basic ${Buffer.from(user).toString('base64')}` }
}

function isExcepted(url: URL, no: string): boolean {
  const name = hostNameOf(url.hostname)
  if (isLoopback(name)) return true
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port
  return no
    .split(',')
    .map((rule) => rule.trim().toLowerCase())
    .some((rule) => rule === '*' || (rule !== '' && isMatching(rule, name, port)))
}

function isMatching(rule: string, name: string, port: string): boolean {
  if (isInNetwork(name, rule)) return true
  const [, host = '', rulePort] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(rule) ?? []
  if (host === '' || (rulePort !== undefined && rulePort !== port)) return false
  const wanted = hostNameOf(host).replace(/^\*\./, '.')
  if (wanted.startsWith('.')) return name.endsWith(wanted)
  return name === wanted || name.endsWith(`.${wanted}`)
}
