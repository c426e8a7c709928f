/** What a store has below a prefix, as of one moment. */
export interface StoreView {
  /** Values by their whole keys. */
  readonly entries: ReadonlyMap<string, string>
  /** The moment, in the store's own words, for {@link OverlayStore.changed}. */
  readonly revision: string
}

/**
 * Where the hosts of an overlay network tell each other who they are and which addresses they have: keys of printable
 * ASCII without blanks, and values of any text. Every method rejects with a `NetbridgeError`
 * `ERR_NETBRIDGE_STORE` when the store cannot be reached or refuses.
 */
export interface OverlayStore extends Disposable {
  /** Everything below a prefix. */
  list(prefix: string): Promise<StoreView>

  /**
   * Gives a key a value, unless it has one: of several who do so at once one succeeds.
   *
   * @returns The value that it has now.
   */
  create(key: string, value: string): Promise<string>

  /** Takes a key away if it has this value. */
  deleteIf(key: string, value: string): Promise<void>

  /**
   * Gives a key a value that goes away by itself, unless this is called again in time. Nobody is told of a call that
   * changes nothing.
   */
  announce(key: string, value: string, ttlSeconds: number): Promise<void>

  /** Takes back what was announced, at once. */
  withdraw(key: string): Promise<void>

  /** Waits until something below the prefix is different from a moment on, or the signal is given. */
  changed(prefix: string, since: string, signal: AbortSignal): Promise<void>
}
