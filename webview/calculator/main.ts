import type { FromCalculator, ToCalculator } from '../../src/protocol/panel.ts';
import { appRoot } from '../common/dom.ts';
import { listenForTableKey } from '../common/figure.ts';
import { connectHost } from '../common/host.ts';
import { loadKnownModels } from './models.ts';
import { receive, restored, toKeep } from './state.ts';
import { CalculatorView } from './view.ts';

const host = connectHost<ToCalculator, FromCalculator>();
const view = new CalculatorView(appRoot(), restored(host.readState()), {
  post: (message) => host.post(message),
  changed: (state) => host.writeState(toKeep(state)),
});

listenForTableKey();
host.listen((message) => view.update((state) => receive(state, message)));

// After the first paint.
requestAnimationFrame(() =>
  setTimeout(() => void loadKnownModels().then((models) => view.setModels(models))),
);
