/**
 * A Kalman filter of one coordinate under constant velocity: state (position, velocity), observed is
 * the position. The filter of SORT and ByteTrack has eight dimensions, but its start, its noise and
 * its observation are diagonal and its motion joins each coordinate with its own velocity only, so
 * that it is exactly four of these.
 */
export class AxisFilter {
  position: number;
  velocity = 0;
  /** Covariance: variance of the position, of both, variance of the velocity. */
  #pp: number;
  #pv = 0;
  #vv: number;

  constructor(position: number, positionDeviation: number, velocityDeviation: number) {
    this.position = position;
    this.#pp = positionDeviation ** 2;
    this.#vv = velocityDeviation ** 2;
  }

  get positionVariance(): number {
    return this.#pp;
  }

  /**
   * `steps` may be a fraction; deviations are those of one step, and variances grow with the number of
   * steps, so that two half steps add the noise of a whole one.
   */
  predict(steps: number, positionDeviation: number, velocityDeviation: number): void {
    this.position += steps * this.velocity;
    this.#pp += steps * (2 * this.#pv + steps * this.#vv) + steps * positionDeviation ** 2;
    this.#pv += steps * this.#vv;
    this.#vv += steps * velocityDeviation ** 2;
  }

  update(observed: number, deviation: number): void {
    const innovationVariance = this.#pp + deviation ** 2;
    const positionGain = this.#pp / innovationVariance;
    const velocityGain = this.#pv / innovationVariance;
    const innovation = observed - this.position;
    this.position += positionGain * innovation;
    this.velocity += velocityGain * innovation;
    this.#vv -= velocityGain * this.#pv;
    this.#pv -= positionGain * this.#pv;
    this.#pp -= positionGain * this.#pp;
  }
}
