// The panel with this participant's own network: which link stands between it and the SFU, and what
// the link does at the moment.

export class NetworkPanel {
  constructor(panel, say) {
    this.panel = panel;
    this.say = say;
    this.select = panel.querySelector("#link");
    this.select.addEventListener("change", () => this.#choose(this.select.value));
  }

  // Shows the panel where the server has a network.
  async open(room) {
    this.room = room;
    this.links = new Map();
    const state = await this.#ask();
    this.panel.hidden = !state;
    if (!state) return;
    this.select.replaceChildren();
    for (const link of state.links) {
      this.links.set(link.name, link);
      this.select.append(new Option(link.name, link.name));
    }
    this.#show(state);
    this.timer = setInterval(async () => this.#show(await this.#ask()), 1000);
  }

  close() {
    clearInterval(this.timer);
    this.panel.hidden = true;
    this.room = null;
  }

  async #ask(options) {
    if (!this.room) return null;
    const headers = { authorization: `Bearer ${this.room.token}` };
    const response = await fetch("/network", { ...options, headers }).catch(() => null);
    if (response?.status === 200) return response.json();
    if (!options) return null;
    throw new Error((await response?.text()) || "the server does not answer");
  }

  async #choose(link) {
    try {
      this.#show(await this.#ask({ method: "POST", body: JSON.stringify({ link }) }));
      this.say(`Your network is now ${link}`);
    } catch (error) {
      this.say(`The network did not change: ${error.message}`);
    }
  }

  #show(state) {
    if (!state || !this.room) return;
    if (!this.links.has(state.link)) this.select.append(new Option(state.link, state.link));
    if (document.activeElement !== this.select) this.select.value = state.link;
    for (const direction of ["up", "down"]) {
      const row = this.panel.querySelector(`[data-direction="${direction}"]`);
      const now = state[direction];
      const before = this.last?.[direction] ?? now;
      const seconds = this.last ? (state.milliseconds - this.last.milliseconds) / 1000 : 0;
      const rate = seconds > 0 ? ((now.bytes - before.bytes) * 8) / seconds / 1000 : 0;
      const cell = (name, text) => {
        row.querySelector(`.${name}`).textContent = text;
      };
      cell("setting", now.text);
      cell("rate", `${Math.round(rate)} kbps`);
      cell("lost", lost(now, before));
      cell("queue", `${now.queueDelayP95Ms.toFixed(0)} ms`);
    }
    const { p99Us, maximumUs } = state.lag;
    this.panel.querySelector(".lag").textContent =
      `Added by this machine: p99 ${milliseconds(p99Us)}, at most ${milliseconds(maximumUs)}.`;
    this.last = state;
  }
}

function lost(now, before) {
  const entered = now.packets - before.packets;
  const share = entered > 0 ? (100 * (now.dropped - before.dropped)) / entered : 0;
  return `${share.toFixed(1)} %`;
}

function milliseconds(microseconds) {
  return `${(microseconds / 1000).toFixed(1)} ms`;
}
