/** What may be too much of (D35): how late the event loop is, memory, open sockets, and bytes of bodies held. */
export type Pressure = 'loop_lag' | 'memory' | 'sockets' | 'in_flight'

export type Change = 'begins' | 'ends'

interface Manners {
  /** Readings in a row above the limit until it begins, and in a row that are calm until it ends. */
  begin: number
  end: number
  /** Calm is below this share of the limit; what lies between changes nothing. */
  calm: number
}

const MANNERS: Readonly<Record<Pressure, Manners>> = {
  // One long pause (a collection, a large body) is no overload.
  loop_lag: { begin: 2, end: 2, calm: 0.5 },
  memory: { begin: 2, end: 2, calm: 0.94 },
  // Counted exactly, so the first one too many counts.
  sockets: { begin: 1, end: 1, calm: 0.95 },
  in_flight: { begin: 1, end: 1, calm: 0.9 }
}

interface State {
  over: boolean
  /** Readings in a row that speak for a change. */
  streak: number
}

/**
 * When the gateway is overloaded: a pure policy over readings, with hysteresis, so that a value that dances around its
 * limit does not turn calls away and let them in by turns.
 */
export class Overload {
  readonly #states = new Map<Pressure, State>()

  /** One reading, in the unit of its limit. Returns what it changed. */
  read(pressure: Pressure, value: number, limit: number): Change | undefined {
    const { begin, end, calm } = MANNERS[pressure]
    const state = this.#states.get(pressure) ?? { over: false, streak: 0 }
    this.#states.set(pressure, state)
    const speaks = state.over ? value < limit * calm : value > limit
    state.streak = speaks ? state.streak + 1 : 0
    if (state.streak < (state.over ? end : begin)) return undefined
    state.over = !state.over
    state.streak = 0
    return state.over ? 'begins' : 'ends'
  }

  isOver(pressure: Pressure): boolean {
    return this.#states.get(pressure)?.over ?? false
  }
}
