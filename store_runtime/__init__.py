"""A running restaurant, one room per actor: ``store/`` (menu, dish stock, settings), ``takeout/`` (an
order and its bill), ``diner_orders/`` (one diner's list of orders).

The rooms share only the rejections in ``rejections.py``; each has the same doors inside.
"""
